/** Beam's Flink job server, which sends no jars with a job: the task managers of `flink.py` have them all. */
class JobServer {
    public static void main(String[] words) throws Exception {
        // What the job server would send is what this names.
        System.setProperty("java.class.path", "");
        org.apache.beam.runners.flink.FlinkJobServerDriver.main(words);
    }
}
