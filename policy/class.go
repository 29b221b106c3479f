package policy

import (
	"encoding/json"
	"fmt"
)

// Class is how severe an operation is:
//
//	read < write < ddl < privilege < dangerous < unknown
//
// The zero value is Unknown, the most severe. Transaction control and harmless
// SET are Read. The worst statement of a batch counts.
type Class uint8

const (
	Unknown   Class = iota // not parsed, or not resolvable statically
	Read                   // no change, nothing outside the data plane
	Write                  // changes rows or objects, takes row locks, moves sequences
	DDL                    // structure, maintenance rewrites, namespaces
	Privilege              // roles, grants, identity changes, credentials
	Dangerous              // code execution, host files, other connections, server control
)

var classNames = [...]string{"unknown", "read", "write", "ddl", "privilege", "dangerous"}

// String returns the class as it is written in policies.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return classNames[Unknown]
}

// ParseClass is the inverse of String.
func ParseClass(s string) (Class, error) {
	for i, n := range classNames {
		if n == s {
			return Class(i), nil
		}
	}
	return Unknown, fmt.Errorf("unknown class %q: one of read, write, ddl, privilege, dangerous, unknown", s)
}

// Severity orders classes; a larger number is more severe.
func (c Class) Severity() int {
	if c == Unknown || c > Dangerous {
		return int(Dangerous) + 1
	}
	return int(c)
}

// Worst returns the more severe of two classes.
func Worst(a, b Class) Class {
	if b.Severity() > a.Severity() {
		return b
	}
	return a
}

// MarshalJSON writes the class's name.
func (c Class) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// UnmarshalJSON reads a class's name.
func (c *Class) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	v, err := ParseClass(s)
	*c = v
	return err
}
