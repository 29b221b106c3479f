package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/all"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/server"
	"github.com/sallyport/sallyport/server/approval"
	"github.com/sallyport/sallyport/server/cluster"
	"github.com/sallyport/sallyport/server/cluster/boltkv"
	"github.com/sallyport/sallyport/server/config"
	"github.com/sallyport/sallyport/server/identity"
	"github.com/sallyport/sallyport/server/secret"
	"github.com/sallyport/sallyport/server/session"
)

// stateFile is the state's in the data directory.
const stateFile = "state.db"

// dialers are connections by resource that do not go over a network: the demo's
// host in process.
type dialers map[string]func(ctx context.Context, network, address string) (net.Conn, error)

// bastion is all parts of a running one, in the order in which they are opened.
type bastion struct {
	cfg     *config.Config
	log     *slog.Logger
	kv      cluster.KV
	rec     *evidence
	drivers []connectors.Driver
	server  *server.Server
	live    *session.Gate
	keeping atomic.Pointer[config.Config] // whose retention is in force
	// fingerprint is the host key's.
	fingerprint string
}

// open composes a bastion from its configuration. The caller closes it.
func open(ctx context.Context, cfg *config.Config, d dialers, log *slog.Logger) (_ *bastion, err error) {
	b := &bastion{cfg: cfg, log: log}
	b.keeping.Store(cfg)
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close("the bastion did not start"))
		}
	}()
	hostKey, err := b.stores()
	if err != nil {
		return nil, err
	}
	b.fingerprint = gossh.FingerprintSHA256(hostKey.PublicKey())
	provider, err := newProvider(ctx, cfg, b.log)
	if err != nil {
		return nil, err
	}
	if err := makeMaskKey(cfg); err != nil {
		return nil, err
	}
	rules, err := newRules(ctx, cfg, cfg.Data, d)
	if err != nil {
		return nil, err
	}
	b.drivers = all.Drivers(all.Options{})
	people := identity.NewPeople(b.kv)
	gate, err := b.gate(ctx, people, rules)
	if err != nil {
		return nil, err
	}
	b.live = gate
	b.server, err = server.New(server.Options{
		Name: cfg.Name, Reach: cfg.Address, HostKey: hostKey, Gate: gate, Provider: provider,
		Keys: identity.NewKeys(b.kv, time.Duration(cfg.SignIn.RememberKey), nil), People: people, Favourites: identity.NewFavourites(b.kv), Log: log,
		Idle: time.Duration(cfg.Limits.Idle),
		Limits: server.Limits{Connections: cfg.Limits.Connections, Anonymous: cfg.Limits.Anonymous,
			AnonymousPerIP: cfg.Limits.AnonymousPerIP, Channels: cfg.Limits.ChannelsPerConn},
	})
	return b, err
}

// stores opens the data directory: host key, state and transcripts.
func (b *bastion) stores() (gossh.Signer, error) {
	if err := os.MkdirAll(b.cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	key, err := hostKey(b.cfg.HostKey)
	if err != nil {
		return nil, err
	}
	kv, err := boltkv.Open(filepath.Join(b.cfg.Data, stateFile))
	if err != nil {
		return nil, inUse(err)
	}
	b.kv = kv
	if b.rec, err = openEvidence(b.cfg, b.log); err != nil {
		return nil, err
	}
	return key, nil
}

// inUse adds what to do when another process has the data.
func inUse(err error) error {
	if errors.Is(err, cluster.ErrInUse) || errors.Is(err, recorder.ErrInUse) {
		return &hinted{err, "a running bastion has this data: ask it through its SSH verbs (ssh BASTION help), or stop it first"}
	}
	return err
}

func newProvider(ctx context.Context, cfg *config.Config, log *slog.Logger) (*identity.Provider, error) {
	s := cfg.SignIn
	c := identity.Config{Issuer: s.Issuer, InsecureIssuer: s.InsecureIssuer, ClientID: s.ClientID, Scopes: s.Scopes,
		GroupsClaim: s.GroupsClaim, Claims: s.Claims, Log: log, MaxWait: time.Duration(s.CodeLifetime)}
	if s.ClientSecret != nil {
		src, err := newSecret("sign_in", s.ClientSecret)
		if err != nil {
			return nil, err
		}
		if c.ClientSecret, err = src.Get(ctx); err != nil {
			return nil, err
		}
	}
	p, err := identity.NewProvider(c)
	if err != nil {
		return nil, fmt.Errorf("sign_in: %w", err)
	}
	return p, nil
}

// newSecret is the source of a referenced secret; nil for no reference.
func newSecret(owner string, r *config.Ref) (session.SecretSource, error) {
	if r == nil {
		return nil, nil
	}
	return secret.New(owner, r.Env, r.File)
}

// newRules is what the gate goes by: all of a configuration that a running
// bastion can change. data is the directory that the bastion has.
func newRules(ctx context.Context, cfg *config.Config, data string, d dialers) (session.Rules, error) {
	masking, err := newMasking(ctx, cfg, data)
	if err != nil {
		return session.Rules{}, err
	}
	targets, err := newTargets(cfg, d)
	if err != nil {
		return session.Rules{}, err
	}
	compiled, err := cfg.Policy()
	if err != nil {
		return session.Rules{}, err
	}
	return session.Rules{
		Policy: compiled, Targets: targets, Masking: masking, Revision: cfg.Revision,
		Limits: session.Limits{Rows: cfg.Limits.Rows, Bytes: cfg.Limits.Bytes, Statement: time.Duration(cfg.Limits.Statement),
			Kept: cfg.Recording.ResultBytes},
	}, nil
}

// gate makes the gate with its journal, and brings approvals of an earlier
// process into a true state.
func (b *bastion) gate(ctx context.Context, people *identity.People, rules session.Rules) (*session.Gate, error) {
	journal, err := b.rec.Begin(ctx, recorder.Header{Kind: "bastion", Action: "bastion", Policy: rules.Revision, Bastion: b.cfg.Name,
		Identity: recorder.Person{Issuer: "sallyport", Subject: "bastion"}})
	if err != nil {
		return nil, fmt.Errorf("open the bastion's transcript: %w", err)
	}
	var gate *session.Gate
	approvals := approval.New(b.kv, approval.Options{
		Record: func(ctx context.Context, a policy.Approval) error { return gate.RecordApproval(ctx, a) },
		Groups: people.Groups,
	})
	gate = session.New(session.Options{Drivers: b.drivers, Recorder: b.rec.Recorder, Evidence: b.rec, Approvals: approvals, Journal: journal, Rules: rules,
		Classify: classifier(b.drivers), Log: b.log})
	if err := gate.Journal(ctx, recorder.Admin{Act: "started", Details: map[string]string{"config": rules.Revision}}); err != nil {
		return nil, err
	}
	return gate, approvals.Recover(ctx)
}

// close closes what was opened, in reverse order.
func (b *bastion) close(reason string) error {
	var errs []error
	if b.rec != nil {
		errs = append(errs, b.rec.Close(reason))
	}
	if b.kv != nil {
		errs = append(errs, b.kv.Close())
	}
	return errors.Join(append(errs, all.Close(b.drivers))...)
}
