"""The certificate a student earns: its page as a pure function of the facts printed on it."""

from enrollments.certificates.pdf import CertificateFacts, render_certificate

__all__ = ["CertificateFacts", "render_certificate"]
