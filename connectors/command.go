package connectors

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/policy"
)

// Command is a declared program with typed parameters: what kind command runs, on
// the bastion's own machine. Nothing of it is read by a shell.
type Command struct {
	// Program is an absolute path.
	Program string
	// Args are the program's arguments. {NAME} in one stands for a parameter's value;
	// an argument that names a parameter without a value is left out, as is one that
	// is a switch's alone and is off.
	Args       []string
	Parameters []Parameter
	// Class is what running it counts as; Unknown is for those that declare none,
	// and only a rule that says so allows it.
	Class       policy.Class
	Destructive bool
	// Directory is where it runs, an absolute path; "" is /.
	Directory string
	// Environment is all of it, NAME=value. PATH, HOME, USER and LANG are there
	// besides, unless set.
	Environment []string
	// Stdin passes the requester's input on; else the program has none.
	Stdin bool
	// Bounds are the operating system's limits for each process.
	Bounds CommandBounds
}

// CommandBounds are limits of setrlimit(2); 0 is the bastion's own.
type CommandBounds struct {
	CPU       time.Duration
	Memory    int64 // bytes of address space
	FileSize  int64 // bytes of a file that it writes
	Processes int64 // of the user
	Files     int64 // open ones
}

// ParameterType says what values a parameter takes.
type ParameterType string

const (
	// ParameterText is a text without control characters that does not begin with a
	// dash, and matches Pattern.
	ParameterText ParameterType = "text"
	// ParameterInteger is a whole number from Min to Max.
	ParameterInteger ParameterType = "integer"
	// ParameterChoice is one of Choices.
	ParameterChoice ParameterType = "choice"
	// ParameterSwitch is on or off; its value is its first choice, or "".
	ParameterSwitch ParameterType = "switch"
)

// Parameter is one value that the requester gives.
type Parameter struct {
	Name, Help string
	Type       ParameterType
	Choices    []string
	// Pattern is a regular expression (RE2) that all of a text must match; "" any.
	Pattern  string
	Min, Max int64
	// Longest is how many bytes a text may have; 0 is 200.
	Longest int
	// Default is taken where no value is given; Optional parameters may have none.
	Default  string
	Optional bool
}

// Planner tells what a command would be, and runs nothing.
type Planner interface {
	// Plan returns the argv of a command as Executor.Exec takes it. Its error is a
	// *policy.Refusal that names the parameter.
	Plan(ctx context.Context, command string) ([]string, error)
}
