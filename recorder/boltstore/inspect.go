package boltstore

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"strings"

	"github.com/sallyport/sallyport/recorder"
)

// bbolt's file format, version 2 (its internal/common: page.go, meta.go,
// inode.go), in the byte order of the machine.
const (
	pageHead     = 16 // id 8, flags 2, count 2, overflow 4
	pageElement  = 16 // branch: pos 4, ksize 4, pgid 8; leaf: flags 4, pos 4, ksize 4, vsize 4
	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagBucket   = 0x01 // of a leaf's element: the value is a bucket
	bucketHead   = 16   // root 8, sequence 8
	metaSize     = 64
	metaMagic    = 0xED0CDAED
	maxPageDepth = 32
)

// damage is what is wrong with the pages of a file.
type damage struct {
	pages []string
	// unsafe: following the pages could recurse for ever, which would end the
	// process, so bbolt must not read them.
	unsafe bool
}

func (d *damage) String() string { return strings.Join(d.pages, "; ") }

// inspect follows all live pages of a bbolt file without trusting any of them.
// It returns nil where they are sound. bbolt itself does not look: a page that
// names an ancestor as its child makes it recurse until the process dies.
func inspect(path string) (*damage, error) {
	return look(path, false)
}

// inline is inspect for buckets that lie inside of a page alone, which is quick:
// before bbolt reads a file to write to it. It copies these into memory of Go, where
// an element that lies outside of them makes a pointer to anything, and the
// collector ends the process.
func inline(path string) error {
	d, err := look(path, true)
	if err == nil && d != nil {
		err = fmt.Errorf("%w: %s: run `sallyport transcript verify`", recorder.ErrCorrupt, d)
	}
	return err
}

func look(path string, shallow bool) (*damage, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	w := walker{f: f, seen: map[uint64]bool{}, shallow: shallow}
	m, ok, err := w.meta()
	if err != nil {
		return nil, err
	}
	if !ok {
		w.bad(0, true, "no valid meta page")
		return &w.d, nil
	}
	w.pages = uint64(info.Size() / w.size)
	if err := w.tree(m.root, 0); err != nil {
		return nil, err
	}
	if len(w.d.pages) == 0 {
		return nil, nil
	}
	return &w.d, nil
}

type walker struct {
	f     io.ReaderAt
	size  int64  // of a page
	pages uint64 // in the file
	seen  map[uint64]bool
	d     damage
	// shallow does not follow pages that others name.
	shallow bool
}

func (w *walker) bad(page uint64, unsafe bool, format string, args ...any) {
	w.d.unsafe = w.d.unsafe || unsafe
	if len(w.d.pages) < 100 {
		w.d.pages = append(w.d.pages, fmt.Sprintf("page %d: %s", page, fmt.Sprintf(format, args...)))
	}
}

// named are the pages that a meta page names.
type named struct{ root, freelist uint64 }

// meta returns what the newer valid meta page names.
func (w *walker) meta() (n named, ok bool, err error) {
	var newest uint64
	at := int64(0)
	for range 2 {
		var b [pageHead + metaSize]byte
		if _, err := w.f.ReadAt(b[:], at); err == io.EOF {
			break
		} else if err != nil {
			return named{}, false, err
		}
		m := b[pageHead:]
		sum := fnv.New64a()
		sum.Write(m[:metaSize-8])
		valid := binary.NativeEndian.Uint32(m) == metaMagic && binary.NativeEndian.Uint64(m[metaSize-8:]) == sum.Sum64()
		size, txid := int64(binary.NativeEndian.Uint32(m[8:])), binary.NativeEndian.Uint64(m[48:])
		if valid && size >= 1024 && (!ok || txid > newest) {
			ok, newest, w.size = true, txid, size
			n = named{root: binary.NativeEndian.Uint64(m[16:]), freelist: binary.NativeEndian.Uint64(m[32:])}
		}
		if at = w.size; at == 0 { // the first one is damaged: ours have the system's page size
			at = int64(os.Getpagesize())
		}
	}
	return n, ok, nil
}

// tree follows the tree of pages under page id.
func (w *walker) tree(id uint64, depth int) error {
	if w.shallow && depth > 0 {
		return nil
	}
	switch {
	case id < 2 || id >= w.pages:
		w.bad(id, true, "named, but outside of the file")
		return nil
	case w.seen[id] || depth > maxPageDepth:
		w.bad(id, true, "named more than once")
		return nil
	}
	w.seen[id] = true
	b := make([]byte, w.size)
	if _, err := w.f.ReadAt(b, int64(id)*w.size); err != nil {
		return err
	}
	overflow := uint64(binary.NativeEndian.Uint32(b[12:]))
	if overflow >= w.pages-id {
		w.bad(id, true, "reaches beyond the file")
		return nil
	}
	if overflow > 0 {
		b = make([]byte, w.size*int64(overflow+1))
		if _, err := w.f.ReadAt(b, int64(id)*w.size); err != nil {
			return err
		}
	}
	if got := binary.NativeEndian.Uint64(b); got != id {
		w.bad(id, false, "says it is page %d", got)
		return nil // bbolt refuses it
	}
	return w.page(id, b, depth, false)
}

// page checks the elements of one page and follows those that name others. Of one
// that lies in a bucket's value, none may lie outside: see inline.
func (w *walker) page(id uint64, b []byte, depth int, inside bool) error {
	flags, count := binary.NativeEndian.Uint16(b[8:]), int(binary.NativeEndian.Uint16(b[10:]))
	if flags != flagBranch && flags != flagLeaf {
		w.bad(id, false, "has flags %#x", flags)
		return nil // bbolt refuses it
	}
	if pageHead+count*pageElement > len(b) || flags == flagBranch && count == 0 {
		w.bad(id, true, "counts %d elements", count)
		return nil
	}
	for i := range count {
		at := pageHead + i*pageElement
		e := b[at : at+pageElement]
		u32 := func(i int) uint64 { return uint64(binary.NativeEndian.Uint32(e[i:])) }
		if flags == flagBranch {
			if uint64(at)+u32(0)+u32(4) > uint64(len(b)) {
				w.bad(id, inside, "element %d lies outside", i)
			}
			if err := w.tree(binary.NativeEndian.Uint64(e[8:]), depth+1); err != nil {
				return err
			}
			continue
		}
		value := uint64(at) + u32(4) + u32(8)
		if value+u32(12) > uint64(len(b)) {
			w.bad(id, inside, "element %d lies outside", i)
		} else if u32(0) == flagBucket {
			if err := w.bucket(id, b[value:value+u32(12)], depth); err != nil {
				return err
			}
		}
	}
	return nil
}

// bucket follows a bucket in a leaf of page id: a tree of its own, or pages
// inline, which name no others in our stores.
func (w *walker) bucket(id uint64, b []byte, depth int) error {
	if len(b) < bucketHead {
		w.bad(id, true, "holds a bucket of %d bytes", len(b))
		return nil
	}
	if root := binary.NativeEndian.Uint64(b); root != 0 {
		return w.tree(root, depth+1)
	}
	if b = b[bucketHead:]; len(b) < pageHead || binary.NativeEndian.Uint16(b[8:]) != flagLeaf {
		w.bad(id, true, "holds a malformed bucket")
		return nil
	}
	return w.page(id, b, depth+1, true)
}
