package dev.callboard.alert;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import javax.net.SocketFactory;

/**
 * Makes sockets that are closed when their time is over, whatever goes on. A server that sends a byte now and then
 * never exceeds the time limit of a single read, and would hold up all mails. One thread for all sockets; it does not
 * keep the process alive.
 */
final class DeadlineSocketFactory extends SocketFactory {
    private final Duration most;
    private final ScheduledThreadPoolExecutor clock;

    DeadlineSocketFactory(Duration most) {
        this.most = most;
        this.clock = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "mail-time-limit");
            thread.setDaemon(true);
            return thread;
        });
        clock.setKeepAliveTime(10, TimeUnit.SECONDS);
        clock.allowCoreThreadTimeOut(true);
        clock.setRemoveOnCancelPolicy(true);
    }

    @Override
    public Socket createSocket() {
        return new Timed();
    }

    @Override
    public Socket createSocket(String host, int port) throws IOException {
        return connected(new InetSocketAddress(host, port));
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress localHost, int localPort) throws IOException {
        return connected(new InetSocketAddress(host, port));
    }

    @Override
    public Socket createSocket(InetAddress host, int port) throws IOException {
        return connected(new InetSocketAddress(host, port));
    }

    @Override
    public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort)
            throws IOException {
        return connected(new InetSocketAddress(address, port));
    }

    private Socket connected(InetSocketAddress address) throws IOException {
        Socket socket = createSocket();
        socket.connect(address);
        return socket;
    }

    private final class Timed extends Socket {
        private final ScheduledFuture<?> end = clock.schedule(this::expire, most.toMillis(), TimeUnit.MILLISECONDS);

        private void expire() {
            try {
                close();
            } catch (IOException e) {
                // It is of no use any more either way.
            }
        }

        @Override
        public synchronized void close() throws IOException {
            // Null while the superclass's constructor runs.
            if (end != null) {
                end.cancel(false);
            }
            super.close();
        }
    }
}
