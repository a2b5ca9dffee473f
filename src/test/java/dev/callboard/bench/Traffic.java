package dev.callboard.bench;

/** What the connections of a load send. Each connection calls it from a thread of its own. */
interface Traffic {
    /** The body of the n-th request of a connection, from 0. */
    String body(int connection, int n);

    /** That request was answered 200. */
    void acknowledged(int connection, int n);
}
