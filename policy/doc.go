// Package policy answers: may they, and on what terms?
//
// It holds the words of access that everything else shares (Identity,
// Resource, Facts, Decision, Approval) and the language in which roles are
// written. It is pure: time, identity and facts are arguments, nothing here
// does I/O, and the same request always gets the same decision.
//
// # Who and where
//
// A role is for an identity that is in one of its groups and has, for each of
// its claims, one of the values; it is about the resources that its selector
// picks, while its condition holds.
//
// # What
//
// An operation is spoken of by two words, its class and its action: a DELETE by
// write and sql, `kubectl get` by read and kubernetes. A rule matches when one of
// its words is among them. There are two exceptions. An operation of class
// unknown, which nobody could judge, matches rules that say unknown and no
// others; and an interactive shell has no class, and matches shell alone, as does
// a look at cleartext, unmask, which is judged besides the statement.
//
// # Files
//
// An operation on files concerns one or more of them, each with what is done to it
// (read, write, delete, list, stat): a rename reads and deletes the old place and
// writes the new one; a link reads and writes what it leads to, too. Each is judged by
// itself, and the strictest decision counts. A rule with paths or files is about
// operations on files alone. Paths are patterns of the target's own absolute paths:
// ** is any number of directories, * a part of one name, and "/a/**" is /a, too.
// Where an operation concerns all that is below a directory (it is renamed, say), an
// allow rule must match all of it, and a deny or approve rule matches if it could
// match any of it. In conditions operation.file is the file at hand, with
// operation.file.within([...]) and touches([...]) for those two.
//
// # Which rule decides
//
// Deny beats approve beats allow beats nothing; the order of rules does not
// matter. What no rule allows is denied by the rule named DefaultDeny.
//
// # Conditions
//
// A condition (when) is CEL over identity, resource, operation, session and now.
// It is checked for type when it is loaded, and bounded in what it may cost when
// it runs. Something that is not known (a row estimate that nobody asked for, the
// http request of a SQL statement, a label or claim that is not there) is an
// error to read; has() asks whether it is there. A condition that cannot be
// computed, or costs too much, matches in a deny rule and in an approve rule,
// which only take away, and does not match in an allow rule. Of a role's
// condition and its rule's, both must hold; one that is false settles it even if
// the other cannot be computed.
//
// Before there is an operation, as when a listing says what somebody may do
// (View), conditions are computed with what is known, and a rule whose condition
// depends on the rest counts as one that may match: it opens the resource, and the
// Right says under which condition.
//
// # Terms
//
// Limits are a part of what a rule grants. Of several allow rules that match, the
// widest holds, field by field, and no limit is the widest: a rule without limits
// lifts those of the others. Of an approval they are the deciding rule's. Of a
// session in which nothing was asked yet (MayOpen) they are the widest of all that
// may be done in it. The bastion's own limits bound them all (Limits.Tightest).
//
// Evidence is kept in full unless every rule that matches and does not deny says
// results: digest.
package policy
