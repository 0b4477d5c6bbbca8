"""Who is served worse, and how sure that is: sums, cohorts, statistics, the audit and its report."""
