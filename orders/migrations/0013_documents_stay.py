from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

# Dates of the row itself say nothing of the document. A note is voided once.
_RULES = """
CREATE FUNCTION orders_document_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb;
    after jsonb;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        before := to_jsonb(OLD) - ARRAY['created_at', 'updated_at'];
        after := to_jsonb(NEW) - ARRAY['created_at', 'updated_at'];
        IF before -> 'voided_at' = 'null' THEN
            before := before - 'voided_at';
            after := after - 'voided_at';
        END IF;
        IF before = after THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'documents are append-only: % refused on %', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER document_is_append_only BEFORE UPDATE OR DELETE ON orders_invoice
    FOR EACH ROW EXECUTE FUNCTION orders_document_is_append_only();
CREATE TRIGGER document_is_append_only BEFORE UPDATE OR DELETE ON orders_creditnote
    FOR EACH ROW EXECUTE FUNCTION orders_document_is_append_only();
CREATE TRIGGER document_is_never_emptied BEFORE TRUNCATE ON orders_invoice
    FOR EACH STATEMENT EXECUTE FUNCTION orders_document_is_append_only();
CREATE TRIGGER document_is_never_emptied BEFORE TRUNCATE ON orders_creditnote
    FOR EACH STATEMENT EXECUTE FUNCTION orders_document_is_append_only();
"""
_NO_RULES = """
DROP TRIGGER document_is_never_emptied ON orders_creditnote;
DROP TRIGGER document_is_never_emptied ON orders_invoice;
DROP TRIGGER document_is_append_only ON orders_creditnote;
DROP TRIGGER document_is_append_only ON orders_invoice;
DROP FUNCTION orders_document_is_append_only();
"""


class Migration(migrations.Migration):
    """Invoices and credit notes stay as they were issued, whoever writes. The constraint isn't
    validated: invoices from before there were sellers name none."""

    harmless = (
        "The version before changes nothing of a document but when a note became void, and names "
        "the seller on each invoice. Writers wait a moment while the triggers are made."
    )

    dependencies = [("orders", "0012_admin_lists")]

    operations = [
        migrations.RunSQL(_RULES, _NO_RULES),
        AddConstraintNotValid(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(("seller", {}), _negated=True), name="invoice_names_its_seller"
            ),
        ),
    ]
