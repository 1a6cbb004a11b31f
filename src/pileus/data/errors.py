"""Errors of data that cannot become, or is not, a dataset version. Most are in the data."""

from pileus.core.errors import InvalidRequest, LimitExceeded, Unavailable


class SourceNotFound(InvalidRequest, code="source_not_found"):
    """Nothing is at the path that was given as SOURCE."""


class SourceUnknown(InvalidRequest, code="source_unknown"):
    """SOURCE exists, but it is of no kind that can be read."""


class SourceUnreadable(InvalidRequest, code="source_unreadable"):
    """A file of the source cannot be opened, or may not be followed."""


class SourceChanged(InvalidRequest, code="source_changed"):
    """A file of the source was written, replaced or cut while it was read."""


class OptionRefused(InvalidRequest, code="source_option_refused"):
    """An option that says nothing about this kind of SOURCE."""


class EncodingRefused(InvalidRequest, code="encoding_refused"):
    """Text that is not UTF-8, or not of the encoding that was named."""


class DatabaseRefused(InvalidRequest, code="database_refused"):
    """A database that cannot be reached, or a query that it does not answer with rows."""


class ArraysRefused(InvalidRequest, code="arrays_refused"):
    """A file of arrays that is damaged, or whose arrays make neither a table nor images."""


class SourceFaulty(InvalidRequest, code="source_faulty"):
    """Several files of the source cannot be used, for different reasons."""


class ArchiveRefused(InvalidRequest, code="archive_refused"):
    """An archive that is damaged, or holds what is not unpacked: links, devices, ways out."""


class ArchiveTooLarge(LimitExceeded, code="archive_too_large"):
    """An archive that unpacks to more than the limits, or than the disk, allow."""


class ChecksumRefused(InvalidRequest, code="checksum_refused"):
    """A checksum that cannot be read, has nothing to be compared with, or differs."""


class SampleUnknown(InvalidRequest, code="sample_unknown"):
    """No sample has that name, or the samples are not installed."""


class ImageDamaged(InvalidRequest, code="image_damaged"):
    """Bytes that are not a whole image of a known format."""


class ImageTooLarge(InvalidRequest, code="image_too_large"):
    """An image with more pixels, or a file with more bytes, than is decoded."""


class FolderRefused(InvalidRequest, code="folder_refused"):
    """A folder that is not one folder of images for each class."""


class IdxDamaged(InvalidRequest, code="idx_damaged"):
    """An IDX file that is not what its header says, or has no partner."""


class TableDamaged(InvalidRequest, code="table_damaged"):
    """A table with a line that does not fit its header, or no lines."""


class LabelRefused(InvalidRequest, code="label_refused"):
    """A label column that is absent, a label that is empty, or one that does not suit the task."""


class ClassesTooFew(InvalidRequest, code="classes_too_few"):
    """Fewer than two classes: there is nothing to tell apart."""


class SplitRefused(InvalidRequest, code="split_refused"):
    """A split that leaves one side empty."""


class ManifestDamaged(InvalidRequest, code="manifest_damaged"):
    """A manifest that contradicts itself or its id."""


class VersionDamaged(InvalidRequest, code="dataset_version_damaged"):
    """Files of a dataset version that are not the bytes its manifest names."""


class ColumnUnusable(InvalidRequest, code="column_unusable"):
    """A column of text that is neither numbers nor a small set of values."""


class ScratchUnusable(LimitExceeded, code="scratch_unusable"):
    """The directory for packs cannot be written: most often, the disk is full."""


class IngestWorkerLost(Unavailable, code="ingest_worker_lost"):
    """A process that decodes images ended before its time: most often, for want of memory."""


class ProfileDamaged(InvalidRequest, code="profile_damaged"):
    """A profile document that contradicts itself, or the version it is of."""


class KindsDiffer(InvalidRequest, code="kinds_differ"):
    """A table and images have nothing to compare."""
