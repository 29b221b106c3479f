// Package shell answers: which command does a text ask for that is written as people
// write it at MongoDB's shell?
//
// A text is one command as a document, { find: "orders", filter: {...} }, in Extended
// JSON or with what the shell allows besides (keys without quotes, single quotes,
// ObjectId("..."), ISODate("..."), /regular expressions/), or one call of a method that
// stands for a command, db.orders.find({...}).limit(5). Nothing is evaluated: there are
// no variables, functions or operators, and whatever is not one of the known forms is an
// *Error that says what would be. A text whose command would be another each time it is
// read (ObjectId(), new Date()) is one, too: what was approved is what runs.
//
// A key that an object has twice is refused, since two readers may each take another.
package shell
