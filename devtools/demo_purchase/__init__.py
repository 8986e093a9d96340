"""LearnFlow's main job over real HTTP: from sign-up to a certificate anyone can verify.

`make demo-purchase` runs it against the instance that `make run` started (contract "Starting it").
"""
