package server

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"charm.land/ssh"
	"charm.land/wish/v2"
)

// middleware is what each session passes, outermost first: a panic must not
// leave its session; the log must see also what recover turned into an exit; the
// route is taken last.
func (s *Server) middleware() []wish.Middleware {
	chain := []wish.Middleware{s.logged, s.recovered, s.routed}
	slices.Reverse(chain) // Wish composes the last first
	return chain
}

// logged writes a line at the end of each session: who, how long, how it ended.
func (s *Server) logged(next ssh.Handler) ssh.Handler {
	return func(sess ssh.Session) {
		start := s.o.Now()
		next(sess)
		c := connOf(sess.Context())
		who := "nobody"
		if v := c.visitor(); v != nil {
			who = v.Identity().Display()
		}
		s.o.Log.Info("session over", "from", c.remote, "who", printable(who), "took", s.o.Now().Sub(start).Round(time.Millisecond))
	}
}

// recovered keeps a panic in its own session and says that it happened.
func (s *Server) recovered(next ssh.Handler) ssh.Handler {
	return func(sess ssh.Session) {
		defer func() {
			if r := recover(); r != nil {
				s.o.Log.Error("panic in session", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
				fmt.Fprintln(sess.Stderr(), "error: internal error; the bastion's log has the details")
				_ = sess.Exit(exitBastion) // the client may be gone
			}
		}()
		next(sess)
	}
}

// routed is where a session becomes a screen, a prompt or a verb.
func (s *Server) routed(next ssh.Handler) ssh.Handler {
	return func(sess ssh.Session) {
		a := s.newAccess(sess)
		defer a.close()
		a.greet()
		code := a.run()
		_ = sess.Exit(code) // the client may be gone
		next(sess)
	}
}
