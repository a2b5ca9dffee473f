/**
 * The commands of {@code bin/callboard} beside the start: check, test mail, backup, restore, export. Each runs in a process
 * of its own, writes its result to standard output and its failure to standard error, and logs nothing. May use all other
 * packages; none uses it.
 */
package dev.callboard.command;
