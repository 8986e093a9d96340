"""The textbook: the catalogue as a careful Django developer writes it from the documentation.

Django REST framework with model serializers, `select_related` and `prefetch_related`, method fields
for what is computed, its own page numbers and filter backends, on the product's tables and indexes.
"""
