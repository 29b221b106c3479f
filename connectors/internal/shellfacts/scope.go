package shellfacts

import (
	"maps"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/sallyport/sallyport/policy"
)

// scope is what a shell knows at one point of the text.
type scope struct {
	j     *judge
	vars  map[string]value
	funcs map[string]bool
	ifs   bool // IFS was changed
}

// value of a variable; not known where it depends on what happens at run time.
type value struct {
	text  string
	known bool
	glob  bool   // it is a name that matches the pattern text
	list  string // the elements of an array, by \x00, where all are known
}

func newScope(j *judge) *scope {
	return &scope{j: j, vars: map[string]value{}, funcs: map[string]bool{}}
}

// maybe judges what may run, or not, or in a subshell: what it assigns is not
// known afterwards.
func (s *scope) maybe(do func()) {
	before := maps.Clone(s.vars)
	do()
	for name, v := range s.vars {
		if old, ok := before[name]; !ok || old != v {
			s.vars[name] = value{}
		}
	}
}

// steering are variables that decide which programs or libraries are run.
var steering = set(`PATH LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT LD_DEBUG_OUTPUT BASH_ENV ENV PROMPT_COMMAND PS4 PS0 SHELLOPTS BASHOPTS GLOBIGNORE
	CDPATH EDITOR VISUAL PAGER MANPAGER LESSOPEN LESSCLOSE LESSEDIT BROWSER SUDO_ASKPASS SSH_ASKPASS SYSTEMD_PAGER SYSTEMD_EDITOR
	GIT_SSH GIT_SSH_COMMAND GIT_PAGER GIT_EDITOR GIT_EXTERNAL_DIFF GIT_ASKPASS GIT_PROXY_COMMAND GIT_EXEC_PATH GIT_CONFIG_COUNT GIT_CONFIG_PARAMETERS
	GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM GIT_TEMPLATE_DIR GIT_SEQUENCE_EDITOR PYTHONPATH PYTHONSTARTUP PYTHONHOME PYTHONINSPECT
	PYTHONWARNINGS PERL5LIB PERL5OPT PERLLIB PERL5DB RUBYLIB RUBYOPT NODE_OPTIONS NODE_PATH JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS
	GCONV_PATH LOCPATH NLSPATH HOSTALIASES TAR_OPTIONS RSYNC_RSH RSYNC_CONNECT_PROG CVS_RSH MAKEFLAGS TERMINFO LOCALDOMAIN AWKPATH AWKLIBPATH
	XDG_CONFIG_HOME HOME SHELL KUBE_EDITOR KUBECTL_EXTERNAL_DIFF DOCKER_HOST FPATH ZDOTDIR INPUTRC HISTFILE LUA_INIT PHPRC PSQLRC PSQL_EDITOR MYSQL_HOME`)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// assign accounts for name=value. In a command's prefix it holds for that
// command alone.
func (s *scope) assign(a *syntax.Assign, prefix bool) {
	if a.Name == nil {
		return
	}
	name, v := a.Name.Value, value{}
	if a.Value != nil {
		w := s.word(a.Value)
		v = value{text: w.text, known: w.known && !w.many}
	} else if a.Array == nil && !a.Naked {
		v.known = true
	}
	if a.Index != nil {
		s.substitutions(a.Index)
		v = value{}
	}
	if a.Array != nil {
		v = s.array(a.Array)
	}
	if strings.Contains(v.text, "$(") || strings.Contains(v.text, "`") {
		s.j.armed = true
	}
	if steering[name] || strings.HasPrefix(name, "BASH_FUNC_") || strings.HasPrefix(name, "GIT_CONFIG_") || strings.HasPrefix(name, "DYLD_") {
		s.j.raise(policy.Dangerous, "sets "+name+", which decides what programs run")
	}
	switch {
	case a.Naked:
		return
	case prefix:
		s.vars[name] = value{}
		return
	case name == "IFS":
		s.ifs = true
	}
	if old, ok := s.vars[name]; a.Append {
		v = value{text: old.text + v.text, known: ok && old.known && v.known && a.Array == nil}
	}
	if len(v.text)+len(v.list) > maxValue {
		v = value{}
	}
	s.vars[name] = v
}

// array is the value of x=(a b c).
func (s *scope) array(a *syntax.ArrayExpr) value {
	var words []*syntax.Word
	for _, e := range a.Elems {
		if e.Index != nil || e.Value == nil {
			s.substitutions(a)
			return value{}
		}
		words = append(words, e.Value)
	}
	var list []string
	for _, w := range s.words(words) {
		if !w.known || w.many || w.glob {
			return value{}
		}
		list = append(list, w.text)
	}
	if len(list) == 0 {
		return value{known: true}
	}
	return value{text: list[0], known: true, list: strings.Join(list, "\x00")}
}

// forget makes a variable that a program sets at run time one that is not known.
func (s *scope) forget(name string) {
	if name == "IFS" {
		s.ifs = true
	}
	s.vars[name] = value{}
}

// substitutions judges every command within a node that is not a statement.
func (s *scope) substitutions(n syntax.Node) {
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			s.maybe(func() { s.statements(n.Stmts) })
			return false
		case *syntax.ProcSubst:
			s.maybe(func() { s.statements(n.Stmts) })
			return false
		case *syntax.ParamExp:
			if n.Exp != nil && n.Param != nil && (n.Exp.Op == syntax.AssignUnset || n.Exp.Op == syntax.AssignUnsetOrNull) {
				s.forget(n.Param.Value)
			}
		case *syntax.ArithmExp:
			s.arithmetic(n)
		}
		return true
	})
}

// arithmetic forgets what it assigns, and refuses what it would run.
func (s *scope) arithmetic(n syntax.Node) {
	if s.j.armed {
		s.j.raise(policy.Unknown, "evaluates a variable as arithmetic that holds a command")
	}
	syntax.Walk(n, func(n syntax.Node) bool {
		if w, ok := n.(*syntax.Word); ok && len(w.Parts) == 1 {
			if l, ok := w.Parts[0].(*syntax.Lit); ok && syntax.ValidName(l.Value) {
				if v, set := s.vars[l.Value]; set && strings.Trim(v.text, "0123456789") != "" {
					s.vars[l.Value] = value{}
				}
			}
		}
		return true
	})
}
