package dev.callboard.testkit;

import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.internet.MimeMessage;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLSocket;

/**
 * An SMTP server (RFC 5321) on loopback, with STARTTLS and a login, that a test can make misbehave at each stage of the
 * dialogue: with another reply, the end of the connection, no reply, or single bytes without end. One thread for each
 * connection.
 */
public final class HostileMailServer implements AutoCloseable {
    public static final String USER = "callboard";
    public static final String PASSWORD = "not a secret";

    /** Ends the connection instead of a reply. */
    public static final String DROP = "drop";

    /** Never replies. */
    public static final String SILENCE = "silence";

    /** Replies with one byte after the other, without end. */
    public static final String TRICKLE = "trickle";

    /** The command after which it misbehaves; GREETING is before any command. */
    public enum Stage {
        GREETING,
        EHLO,
        STARTTLS,
        AUTH,
        MAIL,
        RCPT,
        DATA,
        END_OF_DATA
    }

    /** A mail as received, also if it was rejected. */
    public record Received(List<String> recipients, String text) {
        public MimeMessage mail() {
            try {
                return new MimeMessage(
                        Session.getInstance(new Properties()),
                        new ByteArrayInputStream(text.getBytes(StandardCharsets.ISO_8859_1)));
            } catch (MessagingException e) {
                throw new IllegalStateException(e);
            }
        }

        public String id() {
            try {
                return mail().getMessageID();
            } catch (MessagingException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private final ServerSocket server;
    private final Certificates certificate;
    private final boolean tls;
    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "hostile-mail-server");
        thread.setDaemon(true);
        return thread;
    });
    private final Map<Stage, String> answers = new ConcurrentHashMap<>();
    private final Map<String, String> rejected = new ConcurrentHashMap<>();
    private final Map<String, CountDownLatch> held = new ConcurrentHashMap<>();
    private final AtomicInteger unanswered = new AtomicInteger();
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    private final List<Received> received = new CopyOnWriteArrayList<>();

    /** Shows a certificate after STARTTLS. */
    public HostileMailServer(Certificates certificate) throws IOException {
        this(certificate, false);
    }

    private HostileMailServer(Certificates certificate, boolean tls) throws IOException {
        this.certificate = certificate;
        this.tls = tls;
        this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        threads.execute(this::accept);
    }

    /** Speaks TLS from the start (RFC 8314). */
    public static HostileMailServer ofTls(Certificates certificate) throws IOException {
        return new HostileMailServer(certificate, true);
    }

    public int port() {
        return server.getLocalPort();
    }

    /** The settings of a Callboard that uses it. */
    public Map<String, String> settings() {
        return Map.of(
                "callboard.mail.security",
                tls ? "tls" : "starttls",
                "callboard.mail.host",
                "localhost",
                "callboard.mail.port",
                String.valueOf(port()),
                "callboard.mail.username",
                USER,
                "callboard.mail.password",
                PASSWORD);
    }

    /** From now on it gives this reply at a stage. */
    public void misbehave(Stage stage, String answer) {
        answers.put(stage, answer);
    }

    /** From now on it gives this reply to a recipient. */
    public void reject(String recipient, String answer) {
        rejected.put(recipient, answer);
    }

    /** From now on it receives mails to this recipient without an answer, until {@link #behave()}. */
    public void hold(String recipient) {
        held.put(recipient, new CountDownLatch(1));
    }

    /** How many mails wait for its answer. */
    public int unanswered() {
        return unanswered.get();
    }

    /** From now on it accepts all mails, also those that wait for its answer. */
    public void behave() {
        answers.clear();
        rejected.clear();
        held.values().forEach(CountDownLatch::countDown);
        held.clear();
    }

    /** Whether a client has connected so far. */
    public boolean isCalled() {
        return !sockets.isEmpty();
    }

    /** Ends the connections that are open now. */
    public void hangUp() throws IOException {
        for (Socket socket : sockets) {
            socket.close();
        }
    }

    /** The mails received so far, oldest first. */
    public List<Received> received() {
        return received;
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                sockets.add(socket);
                threads.execute(() -> serve(socket));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            new Dialogue(socket).run();
        } catch (IOException e) {
            // The client is gone, or was dropped.
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        hangUp();
        threads.shutdownNow();
    }

    /** One connection. Used by one thread. */
    private final class Dialogue {
        private InputStream in;
        private OutputStream out;
        private Socket socket;
        private boolean encrypted;
        private boolean known;
        private final List<String> recipients = new ArrayList<>();

        Dialogue(Socket socket) throws IOException {
            use(socket);
        }

        private void use(Socket socket) throws IOException {
            this.socket = socket;
            this.in = socket.getInputStream();
            this.out = socket.getOutputStream();
        }

        void run() throws IOException {
            if (tls) {
                encrypt();
            }
            answer(Stage.GREETING, "220 hostile");
            for (String line = line(); !line.startsWith("QUIT"); line = line()) {
                if (line.startsWith("EHLO")) {
                    answer(Stage.EHLO, encrypted ? "250-hostile\r\n250 AUTH PLAIN" : "250-hostile\r\n250 STARTTLS");
                } else if (line.startsWith("HELO")) {
                    answer(Stage.EHLO, "250 hostile");
                } else if (line.startsWith("STARTTLS")) {
                    if (answer(Stage.STARTTLS, "220 go on")) {
                        encrypt();
                    }
                } else if (line.startsWith("AUTH PLAIN")) {
                    known = isLogin(line.substring("AUTH PLAIN".length()).strip());
                    answer(Stage.AUTH, known ? "235 hello" : "535 5.7.8 Authentication failed");
                } else if (line.startsWith("MAIL")) {
                    recipients.clear();
                    answer(Stage.MAIL, known ? "250 ok" : "530 5.7.0 Authentication required");
                } else if (line.startsWith("RCPT")) {
                    String recipient = line.substring(line.indexOf('<') + 1, line.indexOf('>'));
                    String no = rejected.get(recipient);
                    if (no != null) {
                        say(no);
                    } else if (answer(Stage.RCPT, "250 ok")) {
                        recipients.add(recipient);
                    }
                } else if (line.startsWith("DATA")) {
                    if (answer(Stage.DATA, "354 go on")) {
                        received.add(new Received(List.copyOf(recipients), text()));
                        awaitRelease();
                        answer(Stage.END_OF_DATA, "250 taken");
                    }
                } else {
                    say("250 ok");
                }
            }
            say("221 bye");
        }

        private void awaitRelease() throws IOException {
            unanswered.incrementAndGet();
            try {
                for (String recipient : recipients) {
                    CountDownLatch latch = held.get(recipient);
                    if (latch != null) {
                        latch.await();
                    }
                }
            } catch (InterruptedException e) {
                throw new EOFException("the server is closed");
            } finally {
                unanswered.decrementAndGet();
            }
        }

        /** RFC 4616: whom to act for, which may be empty, the user and the password. */
        private boolean isLogin(String initialResponse) throws IOException {
            String encoded = initialResponse;
            if (encoded.isEmpty()) {
                say("334 ");
                encoded = line();
            }
            String text = new String(Base64.getDecoder().decode(encoded), StandardCharsets.UTF_8);
            return text.endsWith("\0" + USER + "\0" + PASSWORD);
        }

        private void encrypt() throws IOException {
            SSLSocket secure =
                    (SSLSocket) certificate.context().getSocketFactory().createSocket(socket, null, port(), true);
            secure.setUseClientMode(false);
            secure.startHandshake();
            encrypted = true;
            use(secure);
        }

        /** @return whether it was the normal reply */
        private boolean answer(Stage stage, String good) throws IOException {
            String bad = answers.get(stage);
            if (bad == null) {
                say(good);
                return true;
            }
            switch (bad) {
                case DROP -> throw new EOFException("dropped");
                case SILENCE -> in.transferTo(OutputStream.nullOutputStream());
                case TRICKLE -> trickle(good.substring(0, 3));
                default -> say(bad);
            }
            return false;
        }

        private void trickle(String code) throws IOException {
            out.write((code + "-").getBytes(StandardCharsets.US_ASCII));
            socket.setSoTimeout(50);
            while (true) {
                try {
                    if (in.read() < 0) {
                        throw new EOFException("the client is gone");
                    }
                } catch (java.net.SocketTimeoutException e) {
                    out.write('x');
                    out.flush();
                }
            }
        }

        private void say(String answer) throws IOException {
            out.write((answer + "\r\n").getBytes(StandardCharsets.US_ASCII));
            out.flush();
        }

        private String line() throws IOException {
            StringBuilder line = new StringBuilder();
            for (int c = in.read(); c != '\n'; c = in.read()) {
                if (c < 0) {
                    throw new EOFException("the client is gone");
                }
                if (c != '\r') {
                    line.append((char) c);
                }
            }
            return line.toString();
        }

        private String text() throws IOException {
            StringBuilder text = new StringBuilder();
            for (String line = line(); !line.equals("."); line = line()) {
                text.append(line.startsWith(".") ? line.substring(1) : line).append("\r\n");
            }
            return text.toString();
        }
    }
}
