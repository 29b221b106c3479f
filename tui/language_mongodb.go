package tui

import (
	"strings"

	"github.com/sallyport/sallyport/tui/widget"
)

var mongodbLanguage = language{
	name: "MongoDB", statement: "command", catalog: "Collections",
	example: "db.collection.find({ " + widget.Ellipsis + " }) and enter runs it",
	key:     "enter", runs: "A command runs with enter once its brackets are closed, or with ctrl+j.",
	ends:     endsBalanced,
	database: true,
	colour:   widget.HighlightShell,
	notes: []string{
		`One command at a time: db.orders.find({total: {$gt: 10}}).limit(20), show collections, or a document, {find: "orders"}. It is read, never evaluated.`,
		"Enforced: which command it is, its collections and stages; masks by paths of fields, through stages that are known. What is not known is refused.",
		"Not there: transactions, code in JavaScript, change streams. The server has no read-only session: give the login the role read where that is all it is for.",
	},
	words: strings.Fields(`db find findOne insertOne insertMany updateOne updateMany replaceOne deleteOne deleteMany countDocuments
 getCollection runCommand aggregate count createIndexes delete deletes distinct drop dropIndexes explain filter
 findAndModify hint insert documents key limit
 listCollections listIndexes pipeline projection query skip sort update
 updates $and $avg $count $elemMatch $eq $exists $expr $gt $gte $group $in $limit $lookup $lt $lte $match $max $min $ne
 $nin $not $or $project $push $regex $set $size $skip $sort $sum $type $unset $unwind`),
}
