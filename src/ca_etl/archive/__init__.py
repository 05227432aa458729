"""The archive: request pages politely, keep their bytes in WARC files, read them back.

Layout, below `<data_dir>/archive`; the folder is the year and month of the name's own time stamp:

    2025/12/20251205T020000Z-timesca.warc.gz      sealed: complete, fsynced, never touched again
    2025/12/20251205T020000Z-timesca.2.warc.gz    a second run in the same slot
    2025/12/20251205T020000Z-timesca.warc.gz.open being written, or left by a killed run; no reader takes it
    2025/12/..-timesca.recovered.warc.gz          the whole records of an `.open` file that a killed run left
    2025/12/..-ingest-0a1b2c3d4e5f.warc.gz        files of an operator, named by a hash of their content
    2025/12/..-ingest-0a1b2c3d4e5f.reference.json the path of a file of an operator, which is read where it is
    2025/12/..-ingest-0a1b2c3d4e5f.<n>.damaged    a damaged input of which the file beside it holds a part only

Sealed files are the truth from which all else can be rebuilt: nothing appends to one, overwrites one or removes one.

Every response that has a status, robots.txt, redirects, refusals and truncated bodies included, is written before it is
parsed. What the politeness rules forbid is not requested at all: a challenge page, a 403 or a robots.txt that cannot be
read ends the visit, and nothing here tries to get round it. Reading gives captures, and a `BadRecord` for each part of
a file that is not a whole record; one bad record hides nothing that follows.
"""
