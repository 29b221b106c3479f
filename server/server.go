package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"charm.land/ssh"
	"charm.land/wish/v2"
	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/server/identity"
	"github.com/sallyport/sallyport/server/session"
)

// Options of a Server. All but Log and Now are required.
type Options struct {
	// Name is the bastion's in headers; Reach is how people reach it, for hints:
	// the arguments of ssh ("bastion.company", "-p 2222 localhost").
	Name, Reach string
	HostKey     gossh.Signer
	Gate        *session.Gate
	Provider    *identity.Provider
	Keys        *identity.Keys
	// People remembers everybody as last seen.
	People *identity.People
	// Favourites are what everybody marked in the picker; nil keeps none.
	Favourites *identity.Favourites
	Limits     Limits
	// Idle ends screens without a key pressed; 0 is never.
	Idle time.Duration
	Log  *slog.Logger
	Now  func() time.Time
}

// Server is the SSH front of a bastion.
type Server struct {
	o      Options
	ssh    *ssh.Server
	limits *limiter

	mu    sync.Mutex
	conns map[*conn]struct{}
}

// New returns a server that does not listen yet.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{o: o, limits: newLimiter(o.Limits), conns: map[*conn]struct{}{}}
	srv, err := wish.NewServer(
		func(srv *ssh.Server) error { srv.HostSigners = []ssh.Signer{o.HostKey}; return nil },
		wish.WithVersion("Sallyport"),
		wish.WithMiddleware(s.middleware()...),
	)
	if err != nil {
		return nil, fmt.Errorf("make SSH server: %w", err)
	}
	srv.HandshakeTimeout = 30 * time.Second
	srv.ConnCallback = s.accept
	srv.ServerConfigCallback = s.serverConfig
	srv.ChannelHandlers = map[string]ssh.ChannelHandler{"session": s.sessionChannel, "direct-tcpip": s.forwardChannel, "default": s.otherChannel}
	srv.SubsystemHandlers = s.subsystems()
	srv.RequestHandlers = map[string]ssh.RequestHandler{"default": s.globalRequest}
	s.ssh = srv
	return s, nil
}

// Serve accepts connections until Shutdown; its error is nil then.
func (s *Server) Serve(l net.Listener) error {
	err := s.ssh.Serve(l)
	if errors.Is(err, ssh.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve SSH: %w", err)
}

// Shutdown ends every access with the reason and closes all connections. When it
// returns, transcripts are sealed, unless ctx ended first.
func (s *Server) Shutdown(ctx context.Context, reason string) error {
	err := s.o.Gate.Shutdown(ctx, reason)
	s.mu.Lock()
	for c := range s.conns {
		c.end(errors.New(reason))
	}
	s.mu.Unlock()
	// Sessions have a moment to say why before the connection goes.
	wait, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if s.ssh.Shutdown(wait) == nil {
		return err
	}
	if cerr := s.ssh.Close(); cerr != nil && !errors.Is(cerr, net.ErrClosed) {
		err = errors.Join(err, fmt.Errorf("close SSH server: %w", cerr))
	}
	return err
}
