package tdstest

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3/vfs/memdb"
)

// Options of a Server.
type Options struct {
	// Login, Password and Database are what a client must say.
	Login, Password, Database string
	// Setup is run in SQLite's words before anyone signs in; tables are of the schema
	// dbo.
	Setup string
	// TLS is the server's own certificate; nil is a server without TLS. RequireTLS
	// refuses clients that want none.
	TLS        *tls.Config
	RequireTLS bool
	// Strict speaks TLS before anything else, as TDS 8.0 does.
	Strict bool
	// Route sends whoever signed in to another address.
	Route string
	// Raw, where it is set, answers a batch of that text with these bytes, which are
	// the body of the reply: what a real server sent, or a hostile one would.
	Raw map[string][]byte
	// OnBatch is called with a batch's text when it begins to run.
	OnBatch func(text string)
	// RawLogin answers a login that is right.
	RawLogin []byte
}

// Server is a running one.
type Server struct {
	options  Options
	listener net.Listener
	database string
	keep     *engine // what holds the database in memory
	ctx      context.Context
	stop     context.CancelFunc
	group    sync.WaitGroup

	sessions, active atomic.Int64

	mu       sync.Mutex
	lines    map[net.Conn]struct{}
	batches  []string
	raw      map[string][]byte
	readOnly bool
}

var databases atomic.Int64

// Start starts one on a port of its own. The caller stops it.
func Start(o Options) (*Server, error) {
	s := &Server{options: o, database: fmt.Sprintf("/tdstest%d", databases.Add(1)), lines: map[net.Conn]struct{}{}, raw: map[string][]byte{}}
	maps.Copy(s.raw, o.Raw)
	s.ctx, s.stop = context.WithCancel(context.Background())
	memdb.Create(s.database, nil)
	var err error
	if s.keep, err = openEngine(s.database, o.Database, o.Login); err != nil {
		return nil, err
	}
	if err := s.Exec(o.Setup); err != nil {
		return nil, err
	}
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	s.group.Go(s.accept)
	return s, nil
}

// Address is where it listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Sessions counts those that are signed in, Active the statements that run.
func (s *Server) Sessions() int { return int(s.sessions.Load()) }

// Active counts the statements that run.
func (s *Server) Active() int { return int(s.active.Load()) }

// Answer has a batch answered with these bytes from now on, as Options.Raw does.
func (s *Server) Answer(text string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw[text] = body
}

// Batches are the texts that came, in order, but those of the catalog.
func (s *Server) Batches() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.batches...)
}

// ReadOnly reports whether the last login said that only reads are meant.
func (s *Server) ReadOnly() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readOnly
}

// Exec runs a text of SQLite beside all sessions.
func (s *Server) Exec(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keep.db.Exec(text)
}

// Rows are the rows of a query in SQLite's words, beside all sessions.
func (s *Server) Rows(text string) ([][]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, _, err := s.keep.db.Prepare(text)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	var out [][]string
	for st.Step() {
		var row []string
		for i := range st.ColumnCount() {
			row = append(row, st.ColumnText(i))
		}
		out = append(out, row)
	}
	return out, st.Err()
}

// Stop ends it and every session.
func (s *Server) Stop() {
	s.stop()
	_ = s.listener.Close()
	s.mu.Lock()
	for c := range s.lines {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.group.Wait()
	s.keep.close()
	memdb.Delete(s.database)
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.lines[c] = struct{}{}
		s.mu.Unlock()
		s.group.Go(func() {
			defer func() {
				s.mu.Lock()
				delete(s.lines, c)
				s.mu.Unlock()
				_ = c.Close()
			}()
			s.serve(c)
		})
	}
}

// signInTime bounds a sign-in.
const signInTime = 20 * time.Second

func (s *Server) serve(c net.Conn) {
	ss := &session{server: s, conn: c, line: c, requests: make(chan message)}
	_ = c.SetDeadline(time.Now().Add(signInTime))
	if err := ss.open(); err != nil {
		return
	}
	_ = c.SetDeadline(time.Time{})
	s.mu.Lock()
	s.readOnly = ss.login.readOnly
	s.mu.Unlock()
	var err error
	if ss.engine, err = openEngine(s.database, s.options.Database, s.options.Login); err != nil {
		return
	}
	defer ss.engine.close()
	s.sessions.Add(1)
	defer s.sessions.Add(-1)
	ss.run()
}
