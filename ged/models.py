"""Every table of the house in one import, for migrations and checks."""

from ged.access import MailAccess
from ged.audit import AuditEntry, AuditHead, AuditPayload
from ged.db import Base
from ged.held import hold_when_created
from ged.job_figures import JobFigure
from ged.jobs import Job, JobSchedule
from ged.org import models as org
from ged.org.refusals import RefusalCount
from ged.preservation import models as preservation
from ged.registry import dispatch_models, intake_models, saved_models, scan_profiles, signature_models, takeover_models
from ged.registry import models as registry
from ged.registry.suggestions import models as suggestions
from ged.reports import models as reports
from ged.routing import models as routing
from ged.schema import SchemaTolerance
from ged.signbook import models as signbook
from ged.signbook import token_models
from ged.slips import models as slips
from ged.workers import Worker

metadata = Base.metadata
hold_when_created(metadata)

__all__ = [
    "AuditEntry",
    "AuditHead",
    "AuditPayload",
    "Job",
    "JobFigure",
    "JobSchedule",
    "MailAccess",
    "RefusalCount",
    "SchemaTolerance",
    "Worker",
    "dispatch_models",
    "intake_models",
    "metadata",
    "org",
    "preservation",
    "registry",
    "reports",
    "routing",
    "saved_models",
    "scan_profiles",
    "signature_models",
    "signbook",
    "slips",
    "suggestions",
    "takeover_models",
    "token_models",
]
