package dev.callboard.http;

import java.util.concurrent.Semaphore;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;

/**
 * How much of the heap bodies take. Two limits, both in bytes as sent: what is read or waits for a route, beyond which a
 * request is answered 503; and what the routes handle at a time, beyond which a request waits for others to finish.
 * Callbacks of the usual few kilobytes reach neither limit. {@code BodyHandler} limits one body, not the sum of all.
 * Safe for use by any number of threads.
 */
final class BodyMemory {
    /** An eighth of the heap for bodies as they were sent. */
    private static final int READ_SHARE = 8;

    /** A route needs up to fifty times the size of a body, if that is a list of many small values. */
    private static final int ROUTED_SHARE = 100;

    private final int maxBodyBytes;
    private final int maxRoutedBytes;
    private final Semaphore read;
    private final Semaphore routed;

    /**
     * @param heapBytes the bytes that the JVM may use
     * @param maxBodyBytes the length of the longest body that is read; one such body always fits
     */
    BodyMemory(long heapBytes, int maxBodyBytes) {
        this.maxBodyBytes = maxBodyBytes;
        this.maxRoutedBytes = share(heapBytes, ROUTED_SHARE);
        this.read = new Semaphore(share(heapBytes, READ_SHARE));
        this.routed = new Semaphore(maxRoutedBytes);
    }

    /** At most 2 GiB, which is as far as a semaphore counts. */
    private int share(long heapBytes, int part) {
        return (int) Math.max(maxBodyBytes, Math.min(Integer.MAX_VALUE, heapBytes / part));
    }

    /**
     * Reserves memory for a body before it is read.
     *
     * @param contentLength the length that the request announces, or -1 if it announces none
     * @return the bytes to give back with {@link #release}; 0 if there is no room now
     */
    int reserve(long contentLength) {
        int bytes = contentLength < 0 ? maxBodyBytes : (int) Math.max(1, Math.min(contentLength, maxBodyBytes));
        return read.tryAcquire(bytes) ? bytes : 0;
    }

    void release(int bytes) {
        read.release(bytes);
    }

    /**
     * Processes an exchange by its route as soon as there is memory for a body of this length.
     *
     * @param bodyBytes the length of the body as it was read
     */
    void handle(long bodyBytes, Processor route, Exchange exchange) throws Exception {
        int bytes = (int) Math.min(bodyBytes, maxRoutedBytes);
        routed.acquire(bytes);
        try {
            route.process(exchange);
        } finally {
            routed.release(bytes);
        }
    }
}
