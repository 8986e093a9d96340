"""How gunicorn serves LearnFlow: requests are taken in whole before a thread is given to them."""
