/** Beam's job server of the class that the first word names. It sends no jars with a job: the engine's processes have them all. */
class JobServer {
    public static void main(String[] words) throws Exception {
        // What the job server would send is what this names.
        System.setProperty("java.class.path", "");
        String[] options = java.util.Arrays.copyOfRange(words, 1, words.length);
        Class.forName(words[0]).getMethod("main", String[].class).invoke(null, (Object) options);
    }
}
