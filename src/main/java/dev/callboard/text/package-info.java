/** Values made of text: cleaning what a caller sent, and digests. Used by every package; uses none. */
package dev.callboard.text;
