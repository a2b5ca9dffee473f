package dev.callboard.alert;

import jakarta.mail.Address;
import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import java.io.IOException;
import java.time.Duration;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.component.mail.DefaultJavaMailSender;
import org.apache.camel.support.LifecycleStrategySupport;
import org.eclipse.angus.mail.smtp.SMTPSendFailedException;
import org.eclipse.angus.mail.smtp.SMTPTransport;

/**
 * Sends mails to a mail server, each over a connection of its own. Waits longer for the answer to the end of the data than
 * for any other, if the mail is one of the outbox: a server that is cut short there has the mail and gets it again (RFC
 * 5321, 4.5.3.2.6). When the application stops, connections end within {@link #STOP_TIMEOUT}. Safe for any number of
 * threads.
 */
final class SmtpSender extends DefaultJavaMailSender implements CamelContextAware {
    /** How long an attempt may still take when the application stops. */
    static final Duration STOP_TIMEOUT = Duration.ofSeconds(3);

    private final DeadlineSocketFactory sockets;
    private final boolean tls;
    private final Duration answerTimeout;
    private CamelContext camel;

    SmtpSender(DeadlineSocketFactory sockets, boolean tls, Duration answerTimeout) {
        this.sockets = sockets;
        this.tls = tls;
        this.answerTimeout = answerTimeout;
        setProtocol(tls ? "smtps" : "smtp");
    }

    @Override
    public CamelContext getCamelContext() {
        return camel;
    }

    /** Called by Camel when the sender becomes a bean. */
    @Override
    public void setCamelContext(CamelContext camel) {
        this.camel = camel;
        camel.addLifecycleStrategy(new LifecycleStrategySupport() {
            @Override
            public void onContextStopping(CamelContext context) {
                sockets.closeWithin(STOP_TIMEOUT);
            }
        });
    }

    @Override
    protected Transport getTransport(Session session) {
        return new PatientTransport(session);
    }

    /**
     * Connects, with the login if there is one, and sends nothing.
     *
     * @throws MessagingException if no mail could be sent
     */
    void connect() throws MessagingException {
        try (Transport transport = getTransport(getSession())) {
            transport.connect(getHost(), getPort(), getUsername(), getPassword());
        }
    }

    /** One connection. Used by one thread. */
    private final class PatientTransport extends SMTPTransport {
        private Message message;

        PatientTransport(Session session) {
            super(session, null, SmtpSender.this.getProtocol(), tls);
        }

        @Override
        public synchronized void sendMessage(Message mail, Address[] recipients) throws MessagingException {
            this.message = mail;
            super.sendMessage(mail, recipients);
        }

        /** The server has the content, but does not take the mail before the line that ends it. */
        @Override
        protected void finishData() throws IOException, MessagingException {
            if (!(message instanceof OutboxMessage mail)) {
                super.finishData();
                return;
            }
            mail.beginHandOver();
            sockets.awaitAnswer(answerTimeout);
            try {
                super.finishData();
            } catch (SMTPSendFailedException e) {
                throw e;
            } catch (MessagingException e) {
                throw new UnansweredException(e.getNextException());
            }
        }
    }
}
