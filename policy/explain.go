package policy

// Explanation is a Decision with how it came about.
type Explanation struct {
	Decision Decision `json:"decision"`
	// Tried are the rules of every role that covers the person or the resource, by
	// id: those that decided, and those that did not with the reason.
	Tried []Trial `json:"tried"`
	// Grant is, for a denial that more rights could lift, the smallest rule that
	// would allow it, as YAML for the roles list; "" where none would.
	Grant string `json:"grant,omitempty"`
}

// Trial is one rule that was tried.
type Trial struct {
	Rule    string `json:"rule"`
	Effect  Effect `json:"-"`
	Place   string `json:"place,omitempty"` // file:line of the rule, where known
	Matched bool   `json:"matched"`
	// Why says what made it match or not: the group, the selector, the word, the
	// condition with its result or error.
	Why string `json:"why"`
}

// Explain is Decide with the chain of rules that were tried.
func (p *Policy) Explain(r Request) Explanation {
	return Explanation{Decision: p.Decide(r)}
}
