package search

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	_ "github.com/ncruces/go-sqlite3/vfs/adiantum" // registers the encrypting VFS

	"github.com/sallyport/sallyport/recorder"
)

const (
	// FileName is the index's in the data directory, KeyFile its wrapped key's.
	FileName = "search.db"
	KeyFile  = "search.key"

	version = 4 // 1 had no details of acts, 2 did not tell the gate's notes apart, 3 was slow to build
	keySize = 32
)

// schema is made when the file is new. Text is kept once, in docs; words are put in
// by a statement of their own, since from a trigger FTS5 writes to disk each time.
const schema = `
create table meta (version integer not null);
create table transcripts (id text primary key, next integer not null, hash blob not null,
	person text not null, subject text not null, resource text not null, kind text not null) without rowid;
create table docs (doc integer primary key, id text not null, seq integer not null, at integer not null, what text not null,
	op integer not null, verdict text not null default '', rule text not null default '', class text not null default '',
	destructive integer not null default 0, text text not null);
create index docs_of on docs (id, op);
create virtual table words using fts5 (text, content='docs', content_rowid='doc', tokenize='trigram', detail='full');
insert into words (words, rank) values ('hashsize', 16777216);
create trigger docs_out after delete on docs begin insert into words (words, rowid, text) values ('delete', old.doc, old.text); end;
`

// Keys wraps the index's key: see boltstore.Keys.
type Keys interface {
	Wrap(key []byte) ([]byte, error)
	Unwrap(wrapped []byte) ([]byte, error)
}

// Source is where transcripts are read: a recorder.Recorder or a recorder.Store.
type Source interface {
	Heads(ctx context.Context) ([]recorder.Head, error)
	Read(ctx context.Context, id recorder.ID, from uint64, max int) ([]recorder.Event, error)
}

// Index is safe for concurrent use. Open makes one.
type Index struct {
	mu sync.Mutex
	c  *sqlite3.Conn
}

// Open opens the index in a directory, and makes an empty one where there is none
// or what is there is of no use. "" is an index in memory. Errors wrap
// recorder.ErrSealed where its key is for others.
func Open(dir string, k Keys) (*Index, error) {
	x := new(Index)
	if dir == "" {
		return x, x.start(":memory:", nil)
	}
	key, fresh, err := indexKey(filepath.Join(dir, KeyFile), k)
	if err != nil {
		return nil, fmt.Errorf("open search index: %w", err)
	}
	path := filepath.Join(dir, FileName)
	if !fresh {
		if err = x.start(path, key); err == nil {
			return x, nil
		}
		x.abandon()
	}
	for _, p := range []string{path, path + "-journal", path + "-wal", path + "-shm"} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open search index: %w", err)
		}
	}
	if err := x.start(path, key); err != nil {
		x.abandon()
		return nil, fmt.Errorf("open search index: %w", err)
	}
	return x, nil
}

func (x *Index) abandon() {
	if x.c != nil {
		_ = x.c.Close() // what it held is thrown away
		x.c = nil
	}
}

// indexKey reads the key, or makes one.
func indexKey(path string, k Keys) (key []byte, fresh bool, err error) {
	wrapped, err := os.ReadFile(path)
	if err == nil {
		if key, err = k.Unwrap(wrapped); err == nil && len(key) == keySize {
			return key, false, nil
		}
		if errors.Is(err, recorder.ErrSealed) {
			return nil, false, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, false, err
	}
	key = make([]byte, keySize)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	if wrapped, err = k.Wrap(key); err != nil {
		return nil, false, err
	}
	return key, true, os.WriteFile(path, wrapped, 0o600) // torn: a new one is made, and a new index
}

// start opens the file and sees that it is an index. The key is no part of the
// name, which errors and listings tell.
func (x *Index) start(path string, key []byte) (err error) {
	name := path
	if key != nil {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite would let others read it
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			return err
		}
		name = "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path) + "?vfs=adiantum"
	}
	if x.c, err = sqlite3.Open(name); err != nil {
		return err
	}
	if err := fts5.Register(x.c); err != nil {
		return err
	}
	if key != nil {
		if err := x.c.Exec("pragma hexkey='" + hex.EncodeToString(key) + "'"); err != nil {
			return err
		}
	}
	if err := x.c.Exec("pragma temp_store=memory; pragma cache_size=-16000; pragma trusted_schema=on"); err != nil {
		return err
	}
	tables, err := x.number("select count(*) from sqlite_schema")
	if err != nil {
		return err
	}
	if tables == 0 {
		return x.c.Exec("begin; " + schema + fmt.Sprintf("insert into meta values (%d); commit", version))
	}
	if v, err := x.number("select version from meta"); err != nil || v != version {
		return errors.Join(fmt.Errorf("index of version %d", v), err)
	}
	return nil
}

// number is the first column of the first row.
func (x *Index) number(query string, args ...any) (n int64, err error) {
	err = x.rows(query, args, func(s *sqlite3.Stmt) error { n = s.ColumnInt64(0); return nil })
	return n, err
}

// rows runs a statement and calls f for each row.
func (x *Index) rows(query string, args []any, f func(*sqlite3.Stmt) error) (err error) {
	if x.c == nil {
		return errClosed
	}
	s, _, err := x.c.Prepare(query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for i, a := range args {
		if err := bind(s, i+1, a); err != nil {
			return err
		}
	}
	for s.Step() {
		if err := f(s); err != nil {
			return err
		}
	}
	return s.Err()
}

func (x *Index) exec(query string, args ...any) error {
	return x.rows(query, args, func(*sqlite3.Stmt) error { return nil })
}

func bind(s *sqlite3.Stmt, i int, a any) error {
	switch v := a.(type) {
	case string:
		return s.BindText(i, v)
	case int64:
		return s.BindInt64(i, v)
	case bool:
		return s.BindBool(i, v)
	case []byte:
		return s.BindBlob(i, v)
	}
	return fmt.Errorf("bind %T", a)
}

// Close closes the index.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.c == nil {
		return nil
	}
	c := x.c
	x.c = nil
	return c.Close()
}

// errClosed is what calls after Close fail with.
var errClosed = errors.New("the index is closed")
