package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/config"
	"github.com/sallyport/sallyport/server/session"
)

// newTargets are the resources of a configuration with the ways to them.
func newTargets(cfg *config.Config, d dialers) (map[string]session.Target, error) {
	out := map[string]session.Target{}
	via := map[string]string{}
	var faults []error
	for _, r := range cfg.Resources {
		t, err := newTarget(r, d)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		out[r.Name] = t
		if r.Via != "" {
			via[r.Name] = r.Via
		}
	}
	for name := range via {
		out[name] = *through(name, out, via)
	}
	return out, errors.Join(faults...)
}

// through is a target with the hosts on the way to it, which its revision is also
// of. The configuration has seen to it that there is no circle.
func through(name string, targets map[string]session.Target, via map[string]string) *session.Target {
	t := targets[name]
	if next, ok := via[name]; ok {
		t.Via = through(next, targets, via)
		sum := sha256.Sum256([]byte(t.Revision + t.Via.Revision))
		t.Revision = hex.EncodeToString(sum[:])
	}
	return &t
}

// newCommand is a declaration as its driver takes it.
func newCommand(c *config.Command) *connectors.Command {
	class, err := policy.ParseClass(c.Class)
	if err != nil { // the configuration has seen to it
		class = policy.Unknown
	}
	b := c.Bounds
	out := &connectors.Command{Program: c.Program, Args: c.Args, Class: class, Destructive: c.Destructive, Directory: c.Directory, Stdin: c.Stdin,
		Bounds: connectors.CommandBounds{CPU: time.Duration(b.CPU), Memory: b.Memory, FileSize: b.FileSize, Processes: b.Processes, Files: b.Files}}
	for _, k := range slices.Sorted(maps.Keys(c.Environment)) {
		out.Environment = append(out.Environment, k+"="+c.Environment[k])
	}
	for _, p := range c.Parameters {
		kind := connectors.ParameterType(cmp.Or(p.Type, string(connectors.ParameterText)))
		out.Parameters = append(out.Parameters, connectors.Parameter{Name: p.Name, Help: p.Help, Type: kind, Choices: p.Choices, Pattern: p.Pattern,
			Min: p.Min, Max: p.Max, Longest: p.Longest, Default: p.Default, Optional: p.Optional})
	}
	return out
}

func newTarget(r config.Resource, d dialers) (session.Target, error) {
	ref := r.Credential()
	e := connectors.Endpoint{Name: r.Name, Address: r.Address, User: r.User, Database: r.Database, AuthDatabase: r.AuthDatabase, HostKeys: r.HostKeys,
		TLS: r.TLS, TLSRootCA: r.TLSRootCA, SearchPath: r.SearchPath, Namespace: r.Namespace, ReadIntent: r.ReadIntent, Dial: d[r.Name],
		HostCAs: r.HostAuthorities, KnownHosts: r.KnownHosts, Forwards: r.Forwards, Legacy: r.LegacyAlgorithms}
	if c := r.Certificate; c != nil {
		ref = c.Authority
		e.Certify = &connectors.Certify{Principals: c.Principals, Valid: time.Duration(c.Valid)}
		if v := c.Vault; v != nil {
			ref = v.Token
			e.Certify.Vault = &connectors.VaultSigner{Address: v.Address, Mount: v.Mount, Role: v.Role, Namespace: v.Namespace, RootCA: v.RootCA}
		}
	}
	if r.Command != nil {
		e.Command = newCommand(r.Command)
	}
	var err error
	if e.HTTP, err = newHTTPTarget(r); err != nil {
		return session.Target{}, err
	}
	if r.Kind == "sqlite" && e.Database == "" {
		e.Database = r.Address
	}
	src, err1 := newSecret("resource "+r.Name, ref)
	masked, err2 := newSecret("masked login of resource "+r.Name, r.MaskedPassword)
	if err := errors.Join(err1, err2); err != nil {
		return session.Target{}, err
	}
	if r.MaskedUser != "" {
		e.Masked = &connectors.Login{User: r.MaskedUser}
	}
	t := session.Target{Resource: r.Policy(), Description: r.Description, Unavailable: r.Unavailable, Endpoint: e}
	if src != nil {
		t.Secret = src
	}
	if masked != nil {
		t.Masked = masked
	}
	if r.Impersonate {
		t.Impersonate = &session.Impersonate{Prefix: r.ImpersonatePrefix}
	}
	return t, nil
}
