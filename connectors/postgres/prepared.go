package postgres

// What SQL's own PREPARE made on a connection, so that EXECUTE is judged for
// what it runs. It is forgotten whole by DEALLOCATE and by whatever may have
// prepared something unseen.

// maxPrepared bounds what is remembered; what is not is Unknown.
const maxPrepared = 200

// known gives a judgement of EXECUTE that of the statement it runs, where this
// connection prepared it.
func (c *Conn) known(j *judgement) *judgement {
	if j.Executes == "" {
		return j
	}
	c.mu.Lock()
	p, ok := c.prepared[j.Executes]
	c.mu.Unlock()
	if !ok {
		return j
	}
	k := *p
	k.Verb, k.Form, k.Prepares, k.Executes = "EXECUTE", "EXECUTE", "", j.Executes
	// Values given to it are judged by themselves: j is of class Unknown only for
	// what it runs, so its arguments' own class is kept apart.
	k.raise(j.Arguments, "")
	k.Opaque = k.Opaque || j.Opaque
	k.Tables = append([]tableName(nil), p.Tables...)
	k.Calls = append([]callName(nil), p.Calls...)
	k.Why = append([]string(nil), p.Why...)
	k.Fields, k.Operators, k.Types = append([]string(nil), p.Fields...), append([]string(nil), p.Operators...), append([]string(nil), p.Types...)
	k.Scope, k.Columns = append([]scopeName(nil), p.Scope...), append([]columnName(nil), p.Columns...)
	k.Outputs, k.Sets = append([]string(nil), p.Outputs...), append([]setName(nil), p.Sets...)
	k.names(j)
	return &k
}

// remember notes what a statement that has run did to what is prepared.
func (c *Conn) remember(j *judgement, opaque bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case opaque || j.Verb == "DEALLOCATE":
		c.prepared = nil
	case j.Prepares != "" && len(c.prepared) < maxPrepared:
		if c.prepared == nil {
			c.prepared = map[string]*judgement{}
		}
		c.prepared[j.Prepares] = j
	}
}
