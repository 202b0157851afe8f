"""HTTP routes. A route parses the request, authorises the caller, calls a service and answers.

accounts       sign-up and changes to the own account
admin          overview, jobs of all users, settings
admin_users    users, for administrators
analytics      usage over time
api_keys       API keys of the caller
audit_logs     the audit log
characters     the characters to learn
corrections    corrections of predictions by users
history        the caller's history
jobs           batch prediction jobs, and the state of all jobs
models         models and their evaluation
openapi        the description of all routes, and `/docs`
ops            health, readiness, metrics
own_sessions   sign-ins of the caller
predict        recognition
progress       progress and feedback
releases       versions, default, traffic and workers
sessions       sign-in, refresh and sign-out
similarity     comparison
training       training and tuning
web            the web page
web_sessions   sign-in, refresh and sign-out of the web page
worksheets     worksheets to print, and photographs of them
"""
