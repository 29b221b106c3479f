// Package mongodb answers: how do I speak to MongoDB?
//
// # Judgement
//
// A text is one command: package shell reads it, as a document or as the method that
// people type, and yields the bytes that are judged (package judge), recorded and sent.
// JavaScript is not evaluated. Of what is sent only this is the gate's: the database,
// maxTimeMS where a statement's time is bounded, and the size of the batches.
//
// # Running
//
// The wire protocol is OP_MSG, read here (wire.go): one command and one answer at a
// time, within what the protocol allows for size and nesting, whatever a hostile server
// announces. Of the client library only BSON remains. Nothing is monitored, no address
// that a server names is dialled, nothing is sent again by itself. Sign-in is by SCRAM;
// of the password nothing is sent, and the target must prove that it knows it.
//
// Documents come in batches as they are asked for, and a cursor that is left early is
// closed at the target, over the other line where its own is lost. Each connection has a
// second line: what runs on the first is ended from there by killOp, found by the first's
// number and name among the login's own operations ($ownOps). Where that cannot be had,
// the first line is cut, and signed in anew for the next command, with the secret as it is
// fetched for that (Endpoint.Again): none is kept. A command that was cut is never sent
// again, and one of which the server would not say how it went (w: 0) is not sent at all.
//
// MongoDB has no read-only session. A command that runs on read-only terms and was not
// judged a read is refused here; a login with the role read is what the server can add.
//
// # Masks
//
// A rule's column is a path of fields, arrays left out: customers.email, or
// customers.contacts.phone (also customers.contacts*phone). Documents are masked where
// they are, field by field, by connectors.Document. Whatever does more with a masked
// field than pass it on (predicates, orders, groups, expressions, names that are
// computed) is refused, as masks say of predicates. Before each command over masked
// collections it is asked whether their names are of views, whose pipelines are followed.
//
// How many documents an update changed is not told, only how many it found: the first
// would say whether a field was equal already.
//
// # Limits
//
// Tests run against FerretDB, which is not MongoDB: what only MongoDB has (views,
// $lookup, killOp, roles) is tested with a small server of answers from its
// documentation. There are no transactions and no change streams, no X.509, LDAP or
// Kerberos, and no replica sets: one address is the target. What an unmasked collection
// holds of a masked one's values, a copy made by somebody else say, is not known.
package mongodb
