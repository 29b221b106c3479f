package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"github.com/sallyport/sallyport/server/config"
)

// stopTime is how long sessions get to end and transcripts to be sealed.
const stopTime = 15 * time.Second

func runServe(ctx context.Context, args []string, io stdio) error {
	f := flags("serve", io)
	path := f.String("config", "", "the configuration file")
	listen := f.String("listen", "", "the SSH address, in place of the file's")
	if err := parse(f, args); err != nil {
		return err
	}
	if *path == "" {
		return needsConfig("serve", f.Args())
	}
	log := newLog(io)
	return serve(ctx, serveOptions{config: *path, listen: *listen, log: log, ready: func(a net.Addr, _ string) {
		log.Info("serving", "address", a.String())
	}})
}

// newLog writes text to a terminal and JSON elsewhere.
func newLog(io stdio) *slog.Logger {
	if f, ok := io.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return slog.New(slog.NewTextHandler(io.err, nil))
	}
	return slog.New(slog.NewJSONHandler(io.err, nil))
}

// serveOptions are what serve needs; the demo gives its own.
type serveOptions struct {
	config string
	listen string // in place of the file's
	// listener is used where it is not nil; serve closes it.
	listener net.Listener
	log      *slog.Logger
	dial     dialers
	// days is when a day is over, for retention; nil is the clock.
	days <-chan time.Time
	// ready is told the address and the host key's fingerprint.
	ready func(a net.Addr, fingerprint string)
}

// serve runs a bastion until ctx ends, then ends its sessions and seals their
// transcripts.
func serve(ctx context.Context, o serveOptions) error {
	// From here on a hangup asks for a reload; it would end the process otherwise.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	cfg, err := config.Load(o.config)
	if err != nil {
		return err
	}
	warn(cfg, o.log)
	loaded := *cfg
	if o.listen != "" {
		cfg.Listen = o.listen
	}
	l := o.listener
	if l == nil {
		if l, err = listen(cfg.Listen); err != nil {
			return err
		}
	}
	b, err := open(ctx, cfg, o.dial, o.log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	reload := newReloader(b, o.config, &loaded, o.dial, hangup)
	o.ready(l.Addr(), b.fingerprint)
	return b.run(ctx, l, reload, o.days)
}

// listen takes the SSH address.
func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, &hinted{fmt.Errorf("listen for SSH: %w", err), "is another bastion running? --listen takes another address"}
	}
	return l, nil
}

// run serves until ctx ends or serving fails, and closes everything.
func (b *bastion) run(ctx context.Context, l net.Listener, reload *reloader, days <-chan time.Time) error {
	var g errgroup.Group
	serving, failed := context.WithCancel(ctx)
	g.Go(func() error {
		defer failed()
		return b.server.Serve(l)
	})
	g.Go(func() error {
		reload.run(serving)
		return nil
	})
	g.Go(func() error {
		b.retain(serving, days)
		return nil
	})
	go b.reopen(serving)
	go b.alarm(serving)
	b.warm()
	<-serving.Done()
	const reason = "the bastion is shutting down"
	stop, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	err := b.server.Shutdown(stop, reason)
	// A server that had not begun to accept when it was shut down accepts for ever.
	_ = l.Close() // it is closed already otherwise
	return errors.Join(err, g.Wait(), b.close(reason))
}

// warm gets ready what a first statement would wait for, where there is a resource
// of the kind.
func (b *bastion) warm() {
	for _, d := range b.drivers {
		w, ok := d.(interface{ Warm() })
		if ok && slices.ContainsFunc(b.cfg.Resources, func(r config.Resource) bool { return r.Kind == d.Kind() }) {
			w.Warm()
		}
	}
}

// reopen opens the audit stream's files anew at a hangup signal: somebody moved
// them away.
func (b *bastion) reopen(ctx context.Context) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			b.rec.stream.Reopen()
		}
	}
}

// alarm says in the log that the recorder failed: nothing can be opened then.
func (b *bastion) alarm(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-b.rec.Failed():
		b.log.Error("recording is unavailable: sessions are ended, none can be opened", "err", b.rec.Err())
	}
}
