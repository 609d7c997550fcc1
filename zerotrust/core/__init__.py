"""Values and pure functions: reasons, findings, evidence, policies, verdicts, explanations, remedies, decisions."""
