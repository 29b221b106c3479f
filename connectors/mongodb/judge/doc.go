// Package judge answers: what would a command do at MongoDB, and where do the values
// of its answer come from?
//
// A command is known by its name, and so are its options; one that is not in the table
// is unknown, hence denied, and so are stages, operators and accumulators that are not
// in the lists. $where, $function, $accumulator and mapReduce run code at the server:
// they are dangerous, and nothing that they touch is understood.
//
// Fields have no types and documents no columns, so lineage goes by paths: a
// connectors.Document says of each part of an answer's documents from which path of
// which collection it comes. It is kept through the stages that are known ($project,
// $addFields, $group, $lookup, $facet, ...); an expression over a field that is more
// than its path makes the field one that decides, so that masks refuse it as they
// refuse a predicate. Stages whose reach depends on data (dynamic field names, text
// search, windows) are not understood, and are refused where anything is masked.
package judge
