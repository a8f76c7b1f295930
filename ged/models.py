"""Imports the models of all tables, for migrations and checks."""

from ged import destroyed, taken
from ged.access import MailAccess
from ged.administration import models as administration
from ged.audit import AuditEntry, AuditHead, AuditPayload
from ged.capture import models as capture_models
from ged.capture import profiles as scan_profiles
from ged.db import Base
from ged.directory import models as directory
from ged.dispatch import models as dispatch_models
from ged.disposal import models as disposal
from ged.entry import models as entry
from ged.exceptional import models as exceptional
from ged.figures import models as figures
from ged.followup import models as followup
from ged.held import hold_when_created
from ged.job_figures import JobFigure
from ged.jobs import Job, JobSchedule
from ged.monthly import models as monthly
from ged.natures import models as natures
from ged.notices import models as notices
from ged.org import models as org
from ged.org.refusals import RefusalCount
from ged.preservation import models as preservation
from ged.recognition import models as recognition_models
from ged.register import models as register
from ged.reports import models as reports
from ged.reserve import models as reserve
from ged.resuming import models as resuming
from ged.routing import models as routing
from ged.schema import SchemaTolerance
from ged.search import models as search_models
from ged.signbook import models as signbook
from ged.signed_codes import models as signed_codes
from ged.slips import models as slips
from ged.suggestions import models as suggestions
from ged.supervisors import models as supervisors
from ged.takeover import models as takeover_models
from ged.under_way import keep_when_created
from ged.word import models as word_models
from ged.workbook import models as workbook
from ged.workers import Worker

metadata = Base.metadata
hold_when_created(metadata)
keep_when_created(metadata)

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
    "administration",
    "capture_models",
    "destroyed",
    "directory",
    "dispatch_models",
    "disposal",
    "entry",
    "exceptional",
    "figures",
    "followup",
    "metadata",
    "monthly",
    "natures",
    "notices",
    "org",
    "preservation",
    "recognition_models",
    "register",
    "reports",
    "reserve",
    "resuming",
    "routing",
    "scan_profiles",
    "search_models",
    "signbook",
    "signed_codes",
    "slips",
    "suggestions",
    "supervisors",
    "taken",
    "takeover_models",
    "word_models",
    "workbook",
]
