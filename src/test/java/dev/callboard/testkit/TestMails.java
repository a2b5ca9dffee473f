package dev.callboard.testkit;

import jakarta.mail.BodyPart;
import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.io.IOException;
import java.util.Properties;

/** What tests read from mails. */
public final class TestMails {
    private TestMails() {}

    /** The plain text, with lines that end as on Unix. */
    public static String text(MimeMessage mail) {
        return part(mail, 0);
    }

    public static String html(MimeMessage mail) {
        return part(mail, 1);
    }

    private static String part(MimeMessage mail, int index) {
        try {
            BodyPart part = ((MimeMultipart) mail.getContent()).getBodyPart(index);
            return part.getContent().toString().replace("\r\n", "\n");
        } catch (IOException | MessagingException e) {
            throw new IllegalStateException(e);
        }
    }

    public static String subject(MimeMessage mail) {
        try {
            return mail.getSubject();
        } catch (MessagingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A mail that no template made. */
    public static MimeMessage simple() throws MessagingException {
        MimeMessage mail = new MimeMessage(Session.getInstance(new Properties()));
        mail.setFrom("callboard@localhost");
        mail.setRecipients(Message.RecipientType.TO, new InternetAddress[] {new InternetAddress("ops@localhost")});
        mail.setText("Hello");
        mail.saveChanges();
        return mail;
    }
}
