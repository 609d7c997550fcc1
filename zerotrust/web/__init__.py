"""What every door needs, free of any framework: the request as the policy sees it, and a decision as HTTP."""
