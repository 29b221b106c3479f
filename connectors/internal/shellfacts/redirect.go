package shellfacts

import (
	"regexp"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/sallyport/sallyport/policy"
)

// redirect judges one redirection and returns what it makes of the input.
func (s *scope) redirect(r *syntax.Redirect, in feed) feed {
	switch r.Op {
	case syntax.Hdoc, syntax.DashHdoc:
		doc := s.word(r.Hdoc)
		return feed{set: true, text: doc.text, known: doc.known}
	case syntax.WordHdoc:
		w := s.word(r.Word)
		return feed{set: true, text: w.text + "\n", known: w.known}
	}
	w := s.word(r.Word)
	switch r.Op {
	case syntax.RdrIn:
		s.opened(w)
		return s.fileFeed(w)
	case syntax.DplIn:
		if !w.known || !descriptor(w.text) {
			s.j.raise(policy.Unknown, "reads from a descriptor that is only known when it runs")
		}
		return feed{set: true}
	case syntax.DplOut:
		if w.known && descriptor(w.text) {
			return in
		}
		s.written(w, false)
	case syntax.RdrOut, syntax.RdrClob, syntax.RdrAll, syntax.RdrAllClob:
		s.written(w, false)
	case syntax.AppOut, syntax.AppClob, syntax.AppAll, syntax.AppAllClob:
		s.written(w, true)
	case syntax.RdrInOut:
		s.opened(w)
		s.written(w, true)
	default:
		s.j.raise(policy.Unknown, "a redirection that is not known")
	}
	return in
}

// descriptor reports whether the word of >& or <& is a number or closes one.
func descriptor(w string) bool {
	return w == "-" || w != "" && strings.Trim(strings.TrimSuffix(w, "-"), "0123456789") == ""
}

func (s *scope) fileFeed(w arg) feed {
	f := feed{set: true}
	if w.from != nil {
		return s.fed(w.from)
	}
	if w.known {
		f.file = w.text
		if harmlessSink(w.text) {
			f.known = true // empty
		}
	}
	return f
}

// fed is what a list of statements gives to the one that reads it.
func (s *scope) fed(list []*syntax.Stmt) feed {
	text, ok := s.output(list)
	f := feed{set: true, text: text, known: ok}
	for _, st := range list {
		f.fetched = f.fetched || fetches(st)
	}
	return f
}

// opened judges reading a file by redirection.
func (s *scope) opened(w arg) {
	if !w.known && w.text == "" {
		s.j.unseen = true
		return
	}
	f := readOf(w)
	s.j.raise(f.class, f.why)
}

// written judges writing a file by redirection; more keeps what it holds.
func (s *scope) written(w arg, more bool) {
	if w.from != nil {
		return // >(program), which was judged
	}
	if !w.known {
		s.j.raise(policy.Unknown, "writes to a file whose name is only known when it runs")
		s.j.facts.Destructive = s.j.facts.Destructive || !more
		return
	}
	if harmlessSink(w.text) {
		return
	}
	f := writeOf(w)
	if !more && truncates(clean(w.text)) && !s.j.pipes[clean(w.text)] {
		s.j.facts.Destructive = true
		f.why = "truncates " + w.text + because(f.why)
		if authority.MatchString(clean(w.text)) {
			f.class = policy.Dangerous
		}
	} else if f.why == "" {
		f.why = "appends to " + w.text
	}
	s.j.raise(f.class, f.why)
	if s.j.facts.Verb == "" {
		s.j.facts.Verb = ">"
	}
}

// dropIn is a file of a directory to which every package adds one of its own: to
// write one is to add to the configuration. Only > without a command is there to
// empty it.
var dropIn = regexp.MustCompile(`^/etc/([a-z0-9./_-]+\.d|cron\.(hourly|daily|weekly|monthly))/[^/]+$`)

// truncates reports whether > to a file empties it: sockets and the kernel's
// files take a word and lose nothing, but for a few.
func truncates(p string) bool {
	switch {
	case dropIn.MatchString(p):
		return false
	case strings.HasPrefix(p, "/dev/tcp/"), strings.HasPrefix(p, "/dev/udp/"):
		return false
	case strings.HasPrefix(p, "/proc/"), strings.HasPrefix(p, "/sys/"):
		return strings.HasSuffix(p, "/sysrq-trigger") || strings.HasSuffix(p, "/delete") || strings.HasSuffix(p, "/remove") || strings.HasSuffix(p, "/unbind") || strings.HasSuffix(p, "/reset")
	}
	return true
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ", " + why
}

// piped is the input that x gives to what follows it in a pipeline.
func (s *scope) piped(x *syntax.Stmt, in feed) feed {
	f := feed{set: true, fetched: in.fetched || fetches(x)}
	f.text, f.known = s.outputOf(x, in)
	return f
}
