import java.io.IOException;
import java.io.InputStream;
import java.net.CookieHandler;
import java.net.CookieManager;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

public class Negotiate {
    public static void main(String[] arguments) {
        if (Boolean.getBoolean("cookies")) {
            CookieHandler.setDefault(new PlainCookies());
        }
        int times = Integer.parseInt(arguments[1]);
        for (int number = 0; number < times; number++) {
            try {
                System.out.println("answer " + get(arguments[0]));
            } catch (Exception error) {
                System.out.println("failed " + error.getClass().getSimpleName());
            }
        }
    }

    private static String get(String url) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) new URL(url).openConnection();
        int status = connection.getResponseCode();
        try (InputStream body = status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
            String text = body == null ? "" : new String(body.readAllBytes(), StandardCharsets.UTF_8);
            return status + " " + text.split("\n", 2)[0];
        }
    }

    /** Java takes a cookie with Max-Age for one of RFC 2965, and would send it back in quotes. */
    private static class PlainCookies extends CookieManager {
        @Override
        public void put(URI uri, Map<String, List<String>> headers) throws IOException {
            super.put(uri, headers);
            getCookieStore().getCookies().forEach(cookie -> cookie.setVersion(0));
        }
    }
}
