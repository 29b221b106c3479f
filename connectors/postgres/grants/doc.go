// Package grants answers: can this PostgreSQL login reach a masked column?
//
// It is the second line of defence. What the gate understands whole runs with
// the ordinary login and is masked by where its columns come from; everything
// else runs with a restricted login, whose role has no privilege on any masked
// column, so that the server itself refuses. [RoleSQL] is the text that makes
// or updates such a role from the masks; [Check] says whether a role is closed,
// and what is open where it is not. A role that is not closed is not used.
//
// # What reaches a masked column
//
//   - the column itself, also by the table's partitions, children and parents,
//     and a generated column made from it;
//   - a view that reads it, or the whole row it is in, or another view that
//     does, unless the view runs with its reader's rights (security_invoker). A
//     predicate counts: which rows come back tells of the value;
//   - a materialised view likewise, and one that calls any function of users:
//     it ran with its owner's rights when it was filled;
//   - a foreign table, whose rows are elsewhere: what it shows cannot be told;
//   - a function with its owner's rights (SECURITY DEFINER), or in a language
//     that is not held to the caller's rights: bodies are not read, so each
//     counts. A function with its caller's rights reaches what the caller does;
//   - statistics, large objects, server files and other servers, where
//     somebody has opened them;
//   - being a member of a role that reaches it, also one that is not inherited
//     (SET ROLE), owning anything, or an attribute that bypasses privileges.
//
// What is granted to PUBLIC is granted to the role, and default privileges give
// it what is made tomorrow. Anything beyond reading counts as open too: nothing
// that is not understood should change data, a unique index answers questions,
// and a trigger or a function in a shared schema runs with the rights of others.
//
// The bounds of list and range partitions stand in the catalog, which everybody
// reads: a masked partition key is open, and only a mask less or another key
// closes it. What a trigger, a job or a person copied into another table is that
// table's, and needs masks of its own: nothing here follows values. Literals that people typed are not masked values: the texts of
// statements in pg_stat_activity are shown to the same role alone.
package grants
