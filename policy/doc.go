// Package policy answers: may they, and on what terms?
//
// It holds the words of access that everything else shares (Identity,
// Resource, Facts, Decision, Approval) and the language in which roles are
// written. It is pure: time, identity and facts are arguments, nothing here
// does I/O, and the same request always gets the same decision.
//
// Deny beats approve beats allow beats nothing; the order of rules does not
// matter. What no rule allows is denied by the rule named DefaultDeny, and an
// operation whose class is Unknown matches only rules that say unknown.
package policy
