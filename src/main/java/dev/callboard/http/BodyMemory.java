package dev.callboard.http;

import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.camel.Processor;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/**
 * How much of the heap bodies may take, lest many large ones at once take what the process lives on. Two limits, both in
 * bytes as sent: what may be read or wait, beyond which a request is turned away; and what the routes may handle at a
 * time, beyond which a request waits for others to be done. Callbacks of the usual few kilobytes never meet either. Safe
 * for any number of threads.
 */
final class BodyMemory {
    /** An eighth of the heap for bodies as they came. */
    private static final int SHARE_HELD = 8;

    /** While a route handles a body it takes up to fifty times its size, when it is a list of many small things. */
    private static final int SHARE_HANDLED = 100;

    private final int mostBody;
    private final long mostHeld;
    private final int mostHandled;
    private final AtomicLong held = new AtomicLong();
    private final Semaphore handled;

    /**
     * @param heap the bytes that the JVM may use
     * @param mostBody the bytes of the longest body that is read; one such body always has room
     */
    BodyMemory(long heap, int mostBody) {
        this.mostBody = mostBody;
        this.mostHeld = Math.max(mostBody, heap / SHARE_HELD);
        this.mostHandled = (int) Math.max(mostBody, Math.min(Integer.MAX_VALUE, heap / SHARE_HANDLED));
        this.handled = new Semaphore(mostHandled);
    }

    /**
     * Asks for room for a body that is about to be read.
     *
     * @param length the bytes announced, or -1 if nobody knows
     * @return the bytes to give back with {@link #release}; 0 if there is no room now
     */
    long reserve(long length) {
        long wanted = length < 0 ? mostBody : Math.max(1, Math.min(length, mostBody));
        if (held.addAndGet(wanted) > mostHeld) {
            held.addAndGet(-wanted);
            return 0;
        }
        return wanted;
    }

    void release(long bytes) {
        held.addAndGet(-bytes);
    }

    /** The route's processor, which begins when the routes can take a body of that size. */
    Processor waitingBefore(Processor route) {
        return exchange -> {
            long length = exchange.getIn(HttpMessage.class).getRequest().bytesRead();
            int bytes = (int) Math.min(length, mostHandled);
            handled.acquire(bytes);
            try {
                route.process(exchange);
            } finally {
                handled.release(bytes);
            }
        };
    }
}
