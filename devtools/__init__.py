"""Tools for developing and trying LearnFlow; nothing the product imports."""
