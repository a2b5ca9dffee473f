package dev.callboard.http;

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
 * What every request that Callboard sends is subject to, whatever its route says. It ends after a time as a whole and after
 * so many bytes of the answer, decompressed. No redirect is followed, since keys and contents must not go to another host;
 * nothing is sent again unseen; no cookie is kept. Safe for use by any number of threads.
 */
public final class ClientLimits implements HttpClientConfigurer, AutoCloseable {
    private final Duration timeout;
    private final int maxBytes;
    private final ScheduledExecutorService deadlines = Executors.newSingleThreadScheduledExecutor(ClientLimits::thread);

    /**
     * Limits that share one thread for their deadlines.
     *
     * @param timeout for a request and its answer: no option of the client limits both together
     * @param maxBytes of the answer
     */
    public ClientLimits(Duration timeout, int maxBytes) {
        this.timeout = timeout;
        this.maxBytes = maxBytes;
    }

    private static Thread thread(Runnable work) {
        Thread thread = new Thread(work, "callboard-request-deadline");
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
