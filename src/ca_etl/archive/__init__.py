"""The archive room: request politely, keep the bytes, read them back.

Layout, below `<data_dir>/archive`:

    2025/12/20251205T020000Z-timesca.warc.gz      sealed: complete, fsynced, never touched again
    2025/12/20251205T020000Z-timesca.2.warc.gz    a second run in the same slot
    2025/12/20251205T020000Z-timesca.warc.gz.open being written, or left by a killed run; no reader takes it
    2025/12/..-timesca.recovered.warc.gz          what was whole in such a leftover
    2025/12/..-ingest-0a1b2c3d4e5f.warc.gz        files given by hand, named by a hash of their content
    2025/12/..-ingest-0a1b2c3d4e5f.<n>.damaged    a damaged input of which the file beside it holds a part only

The folder is the year and month of the name's own time stamp. Sealed files are the truth from which all else
can be rebuilt: nothing appends to one, overwrites one or removes one.

Life of a file. `writer.ArchiveWriter` creates `<name>.warc.gz.open` with the first record and gives it to the
kernel record by record, one gzip member each. Leaving the context fsyncs the file, renames it and fsyncs the
folder. An exception inside the context seals what is whole. A record that could not be written to its end
(a full disk) is cut off again, so that an `.open` file ends on a record border unless the process was killed.
`sealed_file.recover_open_files` turns what a killed process left into a sealed file.

Life of a request. `client.Fetcher` makes one attempt at a time (`connection`), judges the response (`verdict`) and
has `policy.decide` choose what to do next: done, wait and retry, follow, stop. Every response that has a status,
robots.txt, redirects, refusals and cut bodies included, is written before it is parsed. What the
politeness rules forbid is not requested at all: a challenge page, a 403 or a robots.txt that cannot be read ends the
visit, and nothing here tries to get round it.

Life of a reading. `reader.read_archive` gives the captures of one file, in file order, and a `BadRecord` for each
part that is not a record. A record is taken only if its gzip member inflates to the end with the right checksum, the
member ends where the record ends, and its digest is that of its bytes. A bad record hides nothing that follows:
reading resumes at the next member that starts with `WARC/`. Responses to robots.txt, requests and warcinfo records are
evidence and not captures. Of an ingested file, what is not a whole record is a record with the header
`CA-ETL-Damaged`, and read as a `BadRecord` each time.

What failure means. A response that is not a page (an error, a refusal) is a record with its status like any other, and
becomes a reject later. A cut body is a record with `WARC-Truncated`. `ArchiveWriteError` means that the disk refused:
what was sealed or written whole before it is safe. `BadRecord` means that bytes on disk are not what was written;
the file stays where it is.
"""
