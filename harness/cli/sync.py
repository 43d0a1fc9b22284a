"""`harness sync`: send tracking events kept while the server was down."""

import click


@click.command(epilog="\b\nExample:\n  harness sync")
def sync() -> None:
    """Send tracking events kept while the MLflow server was down.

    They go to MLFLOW_TRACKING_URI, or to mlflow.db in this folder.
    """
    from harness.foundation.tracking import send_unsent
    from harness.foundation.tracking_mlflow import tracking_uri

    total = 0
    for journal in send_unsent():
        total += 1
        if journal.events is None:
            click.echo(f"{journal.name}: still running, sends its events itself")
        else:
            click.echo(f"{journal.name}: sent {journal.events} events to {tracking_uri()}")
    if total == 0:
        click.echo("nothing to send")
