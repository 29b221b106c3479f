package shellfacts

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/sallyport/sallyport/policy"
)

// feed is what a command reads on its standard input.
type feed struct {
	set     bool // it is redirected or piped
	text    string
	known   bool
	fetched bool   // it comes from the network
	file    string // it is this file
}

func (s *scope) statements(list []*syntax.Stmt) {
	if s.j.depth >= maxDepth {
		s.j.raise(policy.Unknown, "the command is nested too deeply to judge")
		return
	}
	s.j.depth++
	defer func() { s.j.depth-- }()
	for _, st := range list {
		s.statement(st, feed{})
	}
}

func (s *scope) statement(st *syntax.Stmt, in feed) {
	if st == nil || !s.j.step() {
		return
	}
	for _, r := range st.Redirs {
		in = s.redirect(r, in)
		s.j.facts.Destructive = s.j.facts.Destructive || st.Cmd == nil && r.Op == syntax.RdrOut && dropIn.MatchString(clean(s.word(r.Word).text))
	}
	if st.Background || st.Coprocess || st.Disown {
		s.maybe(func() { s.command(st.Cmd, in) })
		return
	}
	s.command(st.Cmd, in)
}

// command judges one command of the grammar.
func (s *scope) command(c syntax.Command, in feed) {
	switch c := c.(type) {
	case nil: // redirections alone
	case *syntax.CallExpr:
		s.call(c, in)
	case *syntax.BinaryCmd:
		s.binary(c, in)
	case *syntax.Subshell:
		s.maybe(func() { s.block(c.Stmts, in) })
	case *syntax.Block:
		s.block(c.Stmts, in)
	case *syntax.IfClause:
		s.conditional(c, in)
	case *syntax.WhileClause:
		s.loop(func() { s.block(c.Cond, in); s.block(c.Do, in) }, c)
	case *syntax.ForClause:
		s.forLoop(c, in)
	case *syntax.CaseClause:
		s.cases(c, in)
	case *syntax.FuncDecl:
		s.function(c)
	case *syntax.TimeClause:
		s.statement(c.Stmt, in)
	case *syntax.CoprocClause:
		s.maybe(func() { s.statement(c.Stmt, in) })
	case *syntax.DeclClause:
		s.declare(c)
	case *syntax.TestClause:
		s.substitutions(c)
		s.tested(c)
	case *syntax.ArithmCmd, *syntax.LetClause:
		s.substitutions(c)
		s.arithmetic(c)
	default:
		s.j.raise(policy.Unknown, "a construct of the shell that is not known")
	}
}

func (s *scope) block(list []*syntax.Stmt, in feed) {
	for _, st := range list {
		s.statement(st, in)
	}
}

func (s *scope) binary(c *syntax.BinaryCmd, in feed) {
	if c.Op != syntax.Pipe && c.Op != syntax.PipeAll {
		s.statement(c.X, in)
		s.maybe(func() { s.statement(c.Y, in) })
		return
	}
	s.maybe(func() { s.statement(c.X, in) })
	s.maybe(func() { s.statement(c.Y, s.piped(c.X, in)) })
}

func (s *scope) conditional(c *syntax.IfClause, in feed) {
	for ; c != nil; c = c.Else {
		s.block(c.Cond, in)
		then := c.Then
		s.maybe(func() { s.block(then, in) })
	}
}

// loop judges a body as its second round sees it: with nothing known of what it
// assigns.
func (s *scope) loop(body func(), nodes ...syntax.Node) {
	for _, n := range nodes {
		s.forgetAssigned(n)
	}
	s.maybe(body)
}

// forgetAssigned makes every variable that n may assign one that is not known.
func (s *scope) forgetAssigned(n syntax.Node) {
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Assign:
			if n.Name != nil {
				s.vars[n.Name.Value] = value{}
			}
		case *syntax.CallExpr:
			if len(n.Args) > 1 && assigners[n.Args[0].Lit()] {
				for _, w := range n.Args[1:] {
					s.vars[w.Lit()] = value{}
				}
			}
		}
		return true
	})
}

// assigners are builtins that set the variables they are given.
var assigners = set("read mapfile readarray getopts printf unset wait")

// maxRounds is how many items of a loop are judged one by one.
const maxRounds = 64

func (s *scope) forLoop(c *syntax.ForClause, in feed) {
	iter, ok := c.Loop.(*syntax.WordIter)
	if !ok {
		s.substitutions(c.Loop)
		s.arithmetic(c.Loop)
		s.loop(func() { s.block(c.Do, in) }, c)
		return
	}
	items := s.words(iter.Items)
	plain := len(items) > 0 && len(items) <= maxRounds && !c.Select
	for _, a := range items {
		plain = plain && a.known && !a.many
	}
	if !plain {
		s.vars[iter.Name.Value] = value{}
		s.loop(func() { s.block(c.Do, in) }, c)
		return
	}
	s.forgetAssigned(c)
	for _, a := range items {
		s.maybe(func() {
			s.vars[iter.Name.Value] = value{text: a.text, known: true, glob: a.glob}
			s.block(c.Do, in)
		})
	}
	s.vars[iter.Name.Value] = value{}
}

func (s *scope) cases(c *syntax.CaseClause, in feed) {
	s.substitutions(c.Word)
	for _, item := range c.Items {
		for _, p := range item.Patterns {
			s.substitutions(p)
		}
		s.maybe(func() { s.block(item.Stmts, in) })
	}
}

// function judges a body where it is defined, with arguments that are not known.
func (s *scope) function(c *syntax.FuncDecl) {
	if c.Name == nil {
		s.j.raise(policy.Unknown, "a function without a name")
		return
	}
	if s.j.depth >= maxDepth {
		s.j.raise(policy.Unknown, "the command is nested too deeply to judge")
		return
	}
	s.j.depth++
	defer func() { s.j.depth-- }()
	s.funcs[c.Name.Value] = true
	// It runs later: no variable is known to have the value that it has now.
	now := s.vars
	s.vars = map[string]value{}
	for name := range now {
		s.vars[name] = value{}
	}
	s.loop(func() { s.statement(c.Body, feed{set: true}) }, c)
	for name := range s.vars {
		now[name] = value{}
	}
	s.vars = now
	s.bomb(c)
}

// bomb finds a function that starts itself twice.
func (s *scope) bomb(c *syntax.FuncDecl) {
	self := 0
	syntax.Walk(c.Body, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok && len(call.Args) > 0 && call.Args[0].Lit() == c.Name.Value {
			self++
		}
		return true
	})
	if self > 1 {
		s.j.raise(policy.Dangerous, "a function that starts itself again and again")
		s.j.facts.Destructive = true
	}
}

func (s *scope) declare(c *syntax.DeclClause) {
	values, listed := 0, len(c.Args) == 0
	for _, a := range c.Args {
		if a.Name == nil {
			w := s.word(a.Value)
			switch {
			case !w.known:
				s.j.raise(policy.Unknown, c.Variant.Value+" of something that is only known when it runs")
			case strings.HasPrefix(w.text, "-") && strings.ContainsAny(w.text, "ni") && c.Variant.Value != "export":
				s.j.raise(policy.Unknown, "a variable that is evaluated again when it is used")
			case w.text == "-p" || w.text == "-x":
				listed = true
			}
			continue
		}
		values++
		s.assign(a, false)
	}
	if listed && values == 0 && c.Variant.Value != "local" {
		s.j.raise(policy.Privilege, c.Variant.Value+" prints the environment, where credentials are kept")
	}
}

// tested refuses [[ x -eq y ]] over variables that would run something.
func (s *scope) tested(c *syntax.TestClause) {
	if s.j.armed {
		s.arithmetic(c)
	}
}

// call judges a simple command.
func (s *scope) call(c *syntax.CallExpr, in feed) {
	args := s.words(c.Args)
	for _, a := range c.Assigns {
		s.assign(a, len(args) > 0)
	}
	if len(c.Args) == 0 {
		return
	}
	s.run(args, in)
}
