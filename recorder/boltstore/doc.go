// Package boltstore keeps transcripts in bbolt files in the data directory, mode
// 0600: transcripts.db has what is written to, transcripts-YYYYMMDD.db the packed
// transcripts that began on that day (UTC). bbolt admits one writing process at a
// time.
//
// # Layout, version 2
//
// Integers are big-endian. Four buckets in transcripts.db:
//
//	meta    "format" → 2 bytes: the version of this layout; "shrink" → there while
//	        free pages hold what was removed: the next Open writes the file anew
//	heads   transcript id → head
//	keys    transcript id | 0x00 | number of the first event (8) | 0x0000 → wrapped key
//	groups  transcript id | 0x00 | number of the first event (8) | part (2) → group
//
// A head is
//
//	1  form: 1
//	8  number of the next event
//	32 hash of the last event
//	8  count of operations
//	8  when it ended, nanoseconds since the Unix epoch; 0 while open
//	4  length of the header, header (JSON, the payload of event 0)
//	4  length of the end, end (JSON, the payload of the last event); 0 while open
//
// So heads say in clear who had access to what, when, and how it ended, and
// nothing of what was typed or shown.
//
// A group is a run of events that became durable together, at most 64 KiB unless
// it is one larger event, which is cut into parts 0, 1, ... of at most 64 KiB,
// because bbolt needs a value's pages to be contiguous. Part 0 starts with
//
//	1  form: 1 (plain), 2 (encrypted)
//	32 hash before the first event
//
// followed, over all parts, by the events: canonical encoding (see package
// recorder), then the first 4 bytes of the event's chain hash. So each group can
// be checked by itself when it is read, and damage be traced to its event; what
// proves the whole is the chain up to the head.
//
// # Packed transcripts
//
// What is durable is packed in the background: whole groups into chunks of 32 KiB
// of encodings or more, in the file of the transcript's day, and then the groups
// are removed. Nothing else is ever rewritten. Buckets of a day's file:
//
//	meta    as above
//	chunks  keys as of groups → chunk
//	packed  transcript id → 8 number of the next event to pack, 8 latest time of
//	        any event so far, 32 hash over the chunks
//
// A chunk, cut into parts like a group, is
//
//	8  number of the event after its last
//	8  latest time of any event up to there: chunks are found by halving
//	1  form: 3 (packed), 4 (packed, then encrypted), 2 (a group, encrypted)
//
// Form 2 is for what a sealed bastion had not packed when it crashed: nobody on it
// can read that any more, so it is moved as it is, and its latest time is the end of
// the transcript. Else there follow the hash before its first event (32), the start of the hash after its
// last (4), and in zstd, column by column: count of events, kinds, unit of time
// (0: nanoseconds, 1: microseconds), times as differences, lengths, payloads;
// numbers as varints.
//
// The hash over chunks starts with zero bytes and goes over each chunk's key
// (without the id) and SHA-256. It is in the log over all transcripts, so the
// stored form can be checked without a key.
//
// # Encryption
//
// Each transcript has a key of 32 bytes, wrapped by Keys. A process that goes on
// with another's transcript takes a new one. Encrypted values continue, after the
// form, with
//
//	16 salt
//	   AES-256-GCM of the rest
//
// under HKDF-SHA256(key, salt, "sallyport transcript"), with the number of the
// first event as nonce, bound to the value's key in the bucket (part 0) and form.
// A salt is drawn for each process and packing, so no nonce is used twice.
//
// # Seal
//
// A clean Close writes a seal beside each file, as transcripts.db.seal, and the
// first write to a file removes it beforehand, so that it exists exactly while it
// is true. It finds any byte of the file that changed in between, also where no
// event lies:
//
//	17 "sallyport seal 1\n"
//	8  size of the file
//	4  block size: 65536
//	32 × number of blocks: SHA-256 of each block, the last one may be short
//	32 SHA-256 of all the above
//
// The seal guards against failing disks and hasty hands. It holds no secret: who
// can write the file can write a new seal. The log over all transcripts (package
// ledger) holds against that.
package boltstore
