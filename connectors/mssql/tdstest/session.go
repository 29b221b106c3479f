package tdstest

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"sync"
)

// session is one client. Only its own goroutine uses line for writing and engine.
type session struct {
	server   *Server
	conn     net.Conn
	line     net.Conn // conn, or TLS over it
	after    net.Conn // what line is after the login, where it changes
	login    login
	engine   *engine
	requests chan message

	mu       sync.Mutex
	cancel   context.CancelFunc // of what runs, or has come and is about to
	attended bool               // attention came while it ran
}

// open shakes hands and signs in.
func (s *session) open() error {
	o := s.server.options
	if o.Strict {
		config := o.TLS.Clone()
		config.NextProtos = []string{"tds/8.0"}
		c := tls.Server(s.conn, config)
		if err := c.Handshake(); err != nil {
			return err
		}
		s.conn, s.line = c, c
	}
	encryption, err := s.prelogin()
	if err != nil {
		return err
	}
	if !o.Strict && encryption != encryptNotSup {
		c, err := secure(s.conn, o.TLS)
		if err != nil {
			return err
		}
		s.line = c
		if encryption == encryptOff {
			s.after = s.conn
		}
	}
	return s.signIn()
}

func (s *session) answer() *answer {
	return &answer{w: newWriter(s.line, replyMessage), text: "tdstest"}
}

// run answers requests until the line ends.
func (s *session) run() {
	var group sync.WaitGroup
	defer group.Wait()
	defer s.conn.Close()
	group.Go(s.read)
	for m := range s.requests {
		if s.handle(m) != nil {
			_ = s.conn.Close()
			for range s.requests { // until the reader has seen it
			}
			return
		}
	}
}

// read reads messages while others are answered: attention comes in between.
func (s *session) read() {
	defer close(s.requests)
	defer s.interrupt() // a server sees that its client is gone, and ends what runs
	for {
		m, err := readMessage(s.line)
		if err != nil {
			return
		}
		if m.kind == attentionMessage && s.interrupt() {
			continue
		}
		if m.kind == batchMessage || m.kind == rpcMessage {
			m.ctx = s.begin()
		}
		s.requests <- m
	}
}

// begin makes what has come something that attention ends, before it runs: attention
// may come sooner than that.
func (s *session) begin() context.Context {
	ctx, cancel := context.WithCancel(s.server.ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel, s.attended = cancel, false
	return ctx
}

// finish is the end of what ran. It reports whether attention came for it.
func (s *session) finish() (attended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel()
	s.cancel = nil
	return s.attended
}

// interrupt ends what runs, if anything does.
func (s *session) interrupt() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel == nil {
		return false
	}
	s.attended = true
	s.cancel()
	return true
}

func (s *session) handle(m message) error {
	switch m.kind {
	case attentionMessage:
		a := s.answer()
		a.done(doneAttn, 0)
		return a.end()
	case managerMessage:
		return s.manage(m.body)
	case batchMessage:
		r := &reader{b: m.body}
		r.headers()
		return s.batch(m.ctx, fromUTF16(r.b), nil)
	case rpcMessage:
		text, args, err := parseCall(m.body)
		if f := (fault{}); errors.As(err, &f) {
			s.finish()
			a := s.answer()
			a.fault(f)
			a.done(doneError, 0)
			return a.end()
		}
		if err != nil {
			return err
		}
		return s.batch(m.ctx, text, args)
	}
	return errShort
}

// batch runs a text, with parameters where it came by sp_executesql.
func (s *session) batch(ctx context.Context, text string, args map[string]any) error {
	a := s.answer()
	a.proc = args != nil
	s.server.mu.Lock()
	raw, ok := s.server.raw[text]
	s.server.mu.Unlock()
	if ok {
		return s.raw(a, raw)
	}
	if !strings.Contains(text, "sys.") {
		s.server.mu.Lock()
		s.server.batches = append(s.server.batches, text)
		s.server.mu.Unlock()
	}
	if !strings.Contains(text, "sys.") && !strings.HasPrefix(text, "SET ") {
		s.server.active.Add(1)
		defer s.server.active.Add(-1)
	}
	if f := s.server.options.OnBatch; f != nil {
		f(text)
	}
	complete := s.engine.run(ctx, a, text, args)
	attended := s.finish()
	if attended && complete { // it came too late to end anything
		if err := a.end(); err != nil {
			return err
		}
		a = s.answer()
	}
	if attended || !complete {
		a.token(tokenDone, doneAttn, 0)
	}
	return a.end()
}

// raw answers with bytes that are given. What they are is not ended by attention, which is answered after them.
func (s *session) raw(a *answer, body []byte) error {
	attended := s.finish()
	_, _ = a.w.Write(body)
	if err := a.end(); err != nil || !attended {
		return err
	}
	a = s.answer()
	a.done(doneAttn, 0)
	return a.end()
}

// Requests to the transaction manager, MS-TDS 2.2.6.9.
const (
	managerBegin    = 5
	managerCommit   = 7
	managerRollback = 8
)

func (s *session) manage(body []byte) error {
	r := &reader{b: body}
	r.headers()
	a := s.answer()
	none, number := []byte{0}, append([]byte{8}, binary.LittleEndian.AppendUint64(nil, 0x2900000001)...)
	var err error
	switch r.number(2) {
	case managerBegin:
		if err = s.engine.begin(); err == nil {
			a.environment(envBegin, number, none)
		}
	case managerCommit:
		if err = s.engine.commit(); err == nil {
			a.environment(envCommit, none, number)
		}
	case managerRollback:
		if err = s.engine.rollback(); err == nil {
			a.environment(envRollback, none, number)
		}
	default:
		err = errShort
	}
	if err != nil {
		a.fault(fault{3902, 1, 16, err.Error()})
		a.done(doneError, 0)
		return a.end()
	}
	a.done(0, 0)
	return a.end()
}

// parseCall reads a request for sp_executesql.
func parseCall(body []byte) (text string, args map[string]any, err error) {
	r := &reader{b: body}
	r.headers()
	if n := r.number(2); n != 0xffff {
		name := fromUTF16(r.take(2 * int(n)))
		if r.bad {
			return "", nil, errShort
		}
		return "", nil, fault{2812, 62, 16, "Could not find stored procedure '" + name + "'."}
	}
	if r.number(2) != 10 {
		return "", nil, errShort // another of those with numbers
	}
	r.number(2) // options
	args = map[string]any{}
	for i := 0; len(r.b) > 0 && !r.bad; i++ {
		name := fromUTF16(r.take(2 * int(r.number(1))))
		r.number(1)
		v := r.parameter()
		if i == 0 {
			text, _ = v.(string)
		} else if i > 1 {
			args[name] = v
		}
	}
	return text, args, r.err()
}

// parameter reads a value with its type: texts and whole numbers.
func (r *reader) parameter() any {
	switch r.number(1) {
	case 0xe7:
		most := r.number(2)
		r.take(len(collation))
		if most == 0xffff {
			r.number(8)
			var b []byte
			for n := r.number(4); n > 0 && !r.bad; n = r.number(4) {
				b = append(b, r.take(int(n))...)
			}
			return fromUTF16(b)
		}
		n := r.number(2)
		if n == 0xffff {
			return nil
		}
		return fromUTF16(r.take(int(n)))
	case 0x63: // ntext: a parameter's has no pointer
		r.number(4)
		r.take(len(collation))
		n := r.number(4)
		if n == 0xffffffff {
			return nil
		}
		return fromUTF16(r.take(int(n)))
	case 0x26:
		r.number(1)
		size := int(r.number(1))
		if size == 0 {
			return nil
		}
		return int64(r.number(size))
	}
	r.bad = true
	return nil
}
