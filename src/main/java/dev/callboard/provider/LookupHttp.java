package dev.callboard.provider;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.camel.component.http.HttpClientConfigurer;
import org.apache.hc.client5.http.classic.ExecChain;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.core5.concurrent.Cancellable;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.io.entity.HttpEntityWrapper;

/**
 * The bean {@code lookupHttp}: what every request to a provider's API is subject to, whatever its route says. It ends
 * after {@link #TIMEOUT} as a whole and after {@link #MAX_BYTES} of the answer, decompressed. No redirect is followed,
 * since the keys must not go to another host; nothing is sent again unseen; no cookie is kept. Safe for use by any
 * number of threads.
 */
public final class LookupHttp implements HttpClientConfigurer, AutoCloseable {
    /** For a request and its answer: no option of the client limits both together. */
    static final Duration TIMEOUT = Duration.ofSeconds(30);

    /** A hundred tasks of the largest kind are some 500 KB. What is parsed takes many times its length. */
    static final int MAX_BYTES = 2 * 1024 * 1024;

    private final Duration timeout;
    private final int maxBytes;
    private final ScheduledExecutorService deadlines = Executors.newSingleThreadScheduledExecutor(LookupHttp::thread);

    public LookupHttp() {
        this(TIMEOUT, MAX_BYTES);
    }

    /**
     * @param timeout for a request and its answer
     * @param maxBytes of the answer, decompressed
     */
    public LookupHttp(Duration timeout, int maxBytes) {
        this.timeout = timeout;
        this.maxBytes = maxBytes;
    }

    private static Thread thread(Runnable work) {
        Thread thread = new Thread(work, "callboard-lookup-deadline");
        thread.setDaemon(true);
        return thread;
    }

    @Override
    public void configureHttpClient(HttpClientBuilder client) {
        client.disableRedirectHandling()
                .disableAutomaticRetries()
                .disableCookieManagement()
                .disableAuthCaching()
                .setUserAgent("Callboard")
                .addExecInterceptorFirst("limits", this::execute);
    }

    private ClassicHttpResponse execute(ClassicHttpRequest request, ExecChain.Scope scope, ExecChain chain)
            throws IOException, HttpException {
        Runnable abort = () -> {
            if (scope.originalRequest instanceof Cancellable running) {
                running.cancel();
            }
        };
        Future<?> deadline = deadlines.schedule(abort, timeout.toMillis(), TimeUnit.MILLISECONDS);
        boolean answered = false;
        try {
            ClassicHttpResponse response = chain.proceed(request, scope);
            if (response.getEntity() != null) {
                response.setEntity(new LimitedEntity(response.getEntity(), maxBytes, abort, deadline));
                answered = true;
            }
            return response;
        } finally {
            if (!answered) {
                deadline.cancel(false);
            }
        }
    }

    /** Requests under way keep their time limit. */
    @Override
    public void close() {
        deadlines.shutdown();
    }

    /** An answer that ends its request when it is too long. */
    private static final class LimitedEntity extends HttpEntityWrapper {
        private final int maxBytes;
        private final Runnable abort;
        private final Future<?> deadline;

        LimitedEntity(HttpEntity entity, int maxBytes, Runnable abort, Future<?> deadline) {
            super(entity);
            this.maxBytes = maxBytes;
            this.abort = abort;
            this.deadline = deadline;
        }

        @Override
        public InputStream getContent() throws IOException {
            return new FilterInputStream(super.getContent()) {
                private long left = maxBytes;

                @Override
                public int read() throws IOException {
                    int value = super.read();
                    count(value < 0 ? 0 : 1);
                    return value;
                }

                @Override
                public int read(byte[] buffer, int offset, int length) throws IOException {
                    int count = super.read(buffer, offset, length);
                    count(Math.max(0, count));
                    return count;
                }

                private void count(int read) throws IOException {
                    left -= read;
                    if (left < 0) {
                        // Closing it would read to its end.
                        abort.run();
                        throw new IOException("the answer is longer than " + maxBytes + " bytes");
                    }
                }

                @Override
                public void close() throws IOException {
                    deadline.cancel(false);
                    super.close();
                }
            };
        }

        @Override
        public void close() throws IOException {
            deadline.cancel(false);
            super.close();
        }
    }
}
