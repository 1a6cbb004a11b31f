"""gangs."""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'


def upgrade() -> None:
    with op.batch_alter_table('attempt', schema=None) as batch_op:
        # Every attempt until now was the only one of its try.
        batch_op.add_column(sa.Column('rank', sa.BigInteger(), autoincrement=False, nullable=False, server_default='0'))
        batch_op.drop_constraint(batch_op.f('uq_attempt_job_number'), type_='unique')
        batch_op.create_unique_constraint('uq_attempt_job_number_rank', ['job', 'number', 'rank'])

    with op.batch_alter_table('attempt', schema=None) as batch_op:
        batch_op.alter_column('rank', existing_type=sa.BigInteger(), server_default=None)

    with op.batch_alter_table('node', schema=None) as batch_op:
        batch_op.add_column(sa.Column('address', sa.Text().with_variant(sa.Text(collation='C'), 'postgresql'), autoincrement=False, nullable=True))
