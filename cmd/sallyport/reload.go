package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/sallyport/sallyport/server/config"
)

const (
	// settleTime is how long a file must rest before it is read: editors write in
	// several steps. settleMost bounds the wait where it never rests.
	settleTime = 200 * time.Millisecond
	settleMost = 2 * time.Second
	// pollEvery is how often the files are compared where nobody tells of a change:
	// network file systems do not.
	pollEvery = 15 * time.Second
)

// reloader keeps a running bastion's rules in step with its configuration. Its
// methods are for one goroutine.
type reloader struct {
	b      *bastion
	path   string
	dial   dialers
	hangup <-chan os.Signal

	watcher *fsnotify.Watcher // nil where the system gives none: then it polls
	loaded  *config.Config    // as the bastion was started with
	files   []string          // that make up the configuration, absolute
	globs   []string          // of included files, absolute: others may come to match
	watched map[string]bool   // directories
	tried   string            // the files' content when they were last read
}

func newReloader(b *bastion, path string, loaded *config.Config, d dialers, hangup <-chan os.Signal) *reloader {
	r := &reloader{b: b, path: path, dial: d, hangup: hangup, loaded: loaded, watched: map[string]bool{}}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		b.log.Warn("changes of the configuration are seen late: the system does not tell of them", "every", pollEvery, "err", err)
	} else {
		r.watcher = w
	}
	r.follow(loaded)
	r.tried = r.content()
	return r
}

// follow watches the directories of the configuration's files: an editor that
// renames a new file over the old one is seen only there.
func (r *reloader) follow(cfg *config.Config) {
	r.files, r.globs = nil, nil
	for _, f := range cfg.Files {
		r.files = append(r.files, absolute(f))
	}
	for _, g := range cfg.Include {
		if !filepath.IsAbs(g) {
			g = filepath.Join(filepath.Dir(r.path), g)
		}
		r.globs = append(r.globs, absolute(g))
	}
	for _, i := range cfg.Inventory {
		dir := i.Path
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(filepath.Dir(r.path), dir)
		}
		r.globs = append(r.globs, absolute(dir), absolute(filepath.Join(dir, "*.yaml")), absolute(filepath.Join(dir, "*.yml")))
	}
	if r.watcher == nil {
		return
	}
	for _, f := range slices.Concat(r.files, r.globs) {
		for _, dir := range []string{filepath.Dir(f), filepath.Dir(resolved(f))} {
			if info, err := os.Stat(dir); r.watched[dir] || strings.ContainsAny(dir, "*?[") || err == nil && !info.IsDir() {
				continue // the directories of such a pattern are polled
			}
			if err := r.watcher.Add(dir); err != nil {
				r.b.log.Warn("changes of the configuration are seen late: its directory cannot be watched", "directory", dir, "every", pollEvery, "err", err)
				continue
			}
			r.watched[dir] = true
		}
	}
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// resolved is the path without symbolic links, or as it is where it leads nowhere.
func resolved(path string) string {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		return p
	}
	return path
}

// content is a hash over the files, those that would be included now among them; a
// file that cannot be read counts as such.
func (r *reloader) content() string {
	h := sha256.New()
	all := slices.Clone(r.files)
	for _, g := range r.globs {
		found, _ := filepath.Glob(g) // it was a glob when it was read
		all = append(all, found...)
	}
	slices.Sort(all)
	for _, f := range slices.Compact(all) {
		b, err := os.ReadFile(f)
		fmt.Fprintf(h, "%s %t %d\n", f, err == nil, len(b))
		h.Write(b)
	}
	return string(h.Sum(nil))
}

// concerns reports whether an event may change what the files say, or which there
// are. Where one is a symbolic link, a change beside it may lead it elsewhere.
func (r *reloader) concerns(e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod {
		return false
	}
	for _, g := range r.globs {
		if ok, _ := filepath.Match(g, e.Name); ok {
			return true
		}
	}
	return slices.ContainsFunc(r.files, func(f string) bool {
		real := resolved(f)
		return e.Name == f || e.Name == real || real != f && filepath.Dir(e.Name) == filepath.Dir(f)
	})
}

// run reloads at a hangup signal and when the files change, until ctx ends. Any
// number of signals and changes while it is at it make one more reload.
func (r *reloader) run(ctx context.Context) {
	var events <-chan fsnotify.Event
	var errs <-chan error
	if r.watcher != nil {
		defer r.watcher.Close() // nothing is lost with it
		events, errs = r.watcher.Events, r.watcher.Errors
	}
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	settle := time.NewTimer(time.Hour)
	settle.Stop()
	var since time.Time // when the first change came that was not looked at yet
	asked := false
	due := func() {
		if since.IsZero() {
			since = time.Now()
		}
		settle.Reset(max(0, min(settleTime, settleMost-time.Since(since))))
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.hangup:
			asked = true
			due()
		case e := <-events:
			if r.concerns(e) {
				due()
			}
		case <-errs: // some events were lost
			due()
		case <-poll.C:
			due()
		case <-settle.C:
			r.reload(ctx, asked)
			since, asked = time.Time{}, false
		}
	}
}

// reload reads the configuration and puts it in force, or says why not. What was
// read before is read again only if somebody asked for it.
func (r *reloader) reload(ctx context.Context, asked bool) {
	if r.content() == r.tried && !asked {
		return
	}
	// Where it is refused for what is in a file that it includes since now, that file
	// alone may be mended.
	if o := config.Outline(r.path); o != nil {
		r.follow(o)
	}
	r.tried = r.content()
	cfg, err := config.Load(r.path)
	if err == nil {
		r.follow(cfg)
		err = r.take(ctx, cfg)
	}
	if err == nil {
		return
	}
	r.b.log.Error("configuration refused: the one before stays in force", "config", r.path, "err", err,
		"hint", "sallyport check --config "+r.path)
	if err := r.b.live.Refuse(ctx, firstLines(err.Error())); err != nil {
		r.b.log.Error("refused configuration not recorded", "err", err)
	}
}

// take puts a configuration in force.
func (r *reloader) take(ctx context.Context, cfg *config.Config) error {
	rules, err := newRules(ctx, cfg, r.loaded.Data, r.dial)
	if err != nil {
		return err
	}
	details := map[string]string{}
	kept := fixed(r.loaded, cfg)
	if len(kept) > 0 {
		details["until a restart"] = strings.Join(kept, ", ")
		r.b.log.Warn("some of the configuration counts only after a restart", "keys", strings.Join(kept, ", "))
	}
	ended, err := r.b.live.Swap(ctx, rules, details)
	if err != nil {
		return err
	}
	r.b.keeping.Store(cfg)
	warn(cfg, r.b.log)
	r.b.log.Info("configuration reloaded", "config", r.path, "revision", rules.Revision, "ended", ended)
	return nil
}

// warn says what is odd about a configuration that is taken all the same.
func warn(cfg *config.Config, log *slog.Logger) {
	for _, w := range cfg.Warnings {
		log.Warn("configuration is odd", "warning", w.Error())
	}
}

// fixed are the keys that differ and that a running bastion cannot change.
func fixed(old, now *config.Config) []string {
	var keys []string
	for _, k := range []struct {
		name   string
		differ bool
	}{
		{"name", old.Name != now.Name},
		{"listen", old.Listen != now.Listen},
		{"address", old.Address != now.Address},
		{"data", old.Data != now.Data},
		{"host_key", old.HostKey != now.HostKey},
		{"sign_in", !reflect.DeepEqual(old.SignIn, now.SignIn)},
		{"limits.anonymous", old.Limits.Anonymous != now.Limits.Anonymous},
		{"limits.anonymous_per_address", old.Limits.AnonymousPerIP != now.Limits.AnonymousPerIP},
		{"limits.connections", old.Limits.Connections != now.Limits.Connections},
		{"limits.channels_per_connection", old.Limits.ChannelsPerConn != now.Limits.ChannelsPerConn},
		{"limits.idle", old.Limits.Idle != now.Limits.Idle},
		{"recording", recordsOtherwise(old.Recording, now.Recording)},
		{"audit", !reflect.DeepEqual(old.Audit, now.Audit)},
	} {
		if k.differ {
			keys = append(keys, k.name)
		}
	}
	return keys
}

// recordsOtherwise compares but for retention, which a running bastion takes.
func recordsOtherwise(old, now config.Recording) bool {
	for _, r := range []*config.Recording{&old, &now} {
		r.Keep, r.KeepOwn, r.Retention = 0, 0, nil
	}
	return !reflect.DeepEqual(old, now)
}

// firstLines bounds an error for the record.
func firstLines(s string) string {
	lines := strings.SplitN(s, "\n", 11)
	if len(lines) > 10 {
		lines[10] = "..."
	}
	s = strings.Join(lines, "\n")
	if len(s) > 4096 {
		s = strings.ToValidUTF8(s[:4096], "") + "..."
	}
	return s
}
